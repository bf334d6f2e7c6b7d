package inkstone.loader.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Indexes: what they open, and what they cannot be made to open. */
class ShardedCheckpointTest {
  private static final String INDEX = "diffusion_pytorch_model.safetensors.index.json";

  @TempDir Path root;
  private Path folder;
  private final TensorArena arena = TensorArena.open("test");

  @BeforeEach
  void writeShards() throws Exception {
    folder = Files.createDirectories(root.resolve("transformer"));
    new SafetensorsWriter()
        .metadata("format", "pt")
        .f32("a", new float[] {1}, 1)
        .f32("spare", new float[] {9}, 1)
        .write(folder.resolve("m-00001-of-00002.safetensors"));
    new SafetensorsWriter()
        .f32("b", new float[] {2}, 1)
        .write(folder.resolve("m-00002-of-00002.safetensors"));
    new SafetensorsWriter().f32("a", new float[] {3}, 1).write(root.resolve("outside.safetensors"));
  }

  @AfterEach
  void closeArena() {
    arena.close();
  }

  @Test
  void tensorsComeFromTheShardThatTheIndexNames() throws Exception {
    index(
        "{\"metadata\":{\"total_size\":8},\"weight_map\":{\"a\":\"m-00001-of-00002.safetensors\",\"b\":\"m-00002-of-00002.safetensors\"}}");
    Weights weights = Weights.open(arena, folder);
    assertThat(weights.names()).containsExactly("a", "b");
    assertThat(weights.tensor("a", 1).getFloat(0)).isEqualTo(1);
    assertThat(weights.tensor("b", 1).getFloat(0)).isEqualTo(2);
    assertThat(weights.where("b")).endsWith("m-00002-of-00002.safetensors");
    assertThat(weights.metadata()).containsEntry("format", "pt");
    assertThat(Weights.open(arena, folder.resolve(INDEX)).names()).hasSize(2);
  }

  @Test
  void aHubCacheWhoseFilesAreLinksIntoOneFolderOpens() throws Exception {
    Path blobs = Files.createDirectories(root.resolve("blobs"));
    Path snapshot = Files.createDirectories(root.resolve("snapshots/1/transformer"));
    Path blob = Files.createFile(blobs.resolve("0a"));
    new SafetensorsWriter().f32("a", new float[] {5}, 1).write(blob);
    Path indexBlob =
        Files.writeString(blobs.resolve("0b"), "{\"weight_map\":{\"a\":\"m.safetensors\"}}");
    Files.createSymbolicLink(snapshot.resolve("m.safetensors"), blob);
    Files.createSymbolicLink(snapshot.resolve(INDEX), snapshot.relativize(indexBlob));
    assertThat(Weights.open(arena, snapshot).tensor("a", 1).getFloat(0)).isEqualTo(5);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../outside.safetensors",
        "..\\\\outside.safetensors",
        "/etc/passwd",
        "/tmp/x.safetensors",
        "C:\\\\x.safetensors",
        "c:x.safetensors",
        "sub/../../outside.safetensors",
        "./m-00001-of-00002.safetensors",
        "sub/m.safetensors",
        "..",
        ".",
        "",
        ".hidden.safetensors",
        "m-00001-of-00002.safetensors/",
        "m.bin",
        "m\\u0000.safetensors",
        "m\\n.safetensors",
        "file:///x.safetensors"
      })
  void pathsThatLeaveTheFolderAreRefused(String shard) throws Exception {
    index("{\"weight_map\":{\"a\":\"" + shard + "\"}}");
    assertRefused(
        "key \"weight_map.a\", expected the plain name of a .safetensors file in the folder of the index, got \"");
  }

  @Test
  void aLinkThatLeavesTheFolderIsRefused() throws Exception {
    Files.createSymbolicLink(
        folder.resolve("link.safetensors"), root.resolve("outside.safetensors"));
    index("{\"weight_map\":{\"a\":\"link.safetensors\"}}");
    assertRefused(
        "shard \"link.safetensors\", expected a file in the folder of the index, got a link to ");
  }

  @Test
  void aLinkInsideTheFolderOpens() throws Exception {
    Files.createSymbolicLink(
        folder.resolve("link.safetensors"), Path.of("m-00001-of-00002.safetensors"));
    index("{\"weight_map\":{\"a\":\"link.safetensors\"}}");
    assertThat(Weights.open(arena, folder).tensor("a", 1).getFloat(0)).isEqualTo(1);
  }

  @Test
  void aLongNameIsRefused() throws Exception {
    index("{\"weight_map\":{\"a\":\"" + "n".repeat(300) + ".safetensors\"}}");
    assertRefused("expected the plain name of a .safetensors file");
  }

  @Test
  void aFolderInPlaceOfAShardIsRefused() throws Exception {
    Files.createDirectory(folder.resolve("folder.safetensors"));
    index("{\"weight_map\":{\"a\":\"folder.safetensors\"}}");
    assertThatThrownBy(() -> Weights.open(arena, folder))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("expected a file, got a folder")
        .hasMessageContaining("folder.safetensors");
  }

  @Test
  void aMissingShardIsNamedWithItsTensor() throws Exception {
    index("{\"weight_map\":{\"b\":\"m-00003-of-00003.safetensors\"}}");
    assertRefused(
        "shard \"m-00003-of-00003.safetensors\", expected in the folder of the index for tensor \"b\", got no such file");
  }

  @Test
  void aShardWithoutItsTensorIsNamed() throws Exception {
    index("{\"weight_map\":{\"b\":\"m-00001-of-00002.safetensors\"}}");
    assertRefused(
        "tensor \"b\", expected in \"m-00001-of-00002.safetensors\" by the index, got a file without it");
  }

  @Test
  void tooManyShardsAreRefused() throws Exception {
    StringBuilder json = new StringBuilder("{\"weight_map\":{");
    for (int i = 0; i <= ShardedCheckpoint.MAX_SHARDS; i++) {
      json.append(i == 0 ? "" : ",").append("\"t").append(i).append("\":\"");
      json.append(i).append(".safetensors\"");
    }
    index(json + "}}");
    assertRefused("key \"weight_map.t1024\", expected at most 1024 different files, got more");
  }

  @Test
  void headersThatAreLargeTogetherAreRefused() throws Exception {
    String text = "x".repeat(4_000_000);
    SafetensorsWriter writer = new SafetensorsWriter().metadata("a", text).metadata("b", text);
    StringBuilder json = new StringBuilder("{\"weight_map\":{");
    for (int i = 0; i < 5; i++) {
      writer.f32("t" + i, new float[1], 1);
      json.append(i == 0 ? "" : ",").append("\"t").append(i).append("\":\"");
      json.append(i).append(".safetensors\"");
    }
    Path shard = writer.write(folder.resolve("big.safetensors"));
    for (int i = 0; i < 5; i++) {
      Files.createSymbolicLink(folder.resolve(i + ".safetensors"), shard.getFileName());
    }
    index(json + "}}");
    assertRefused(
        "headers of the shards, expected content for at most 67108864 bytes of memory, got more with \"4.safetensors\"");
  }

  @ParameterizedTest
  @MethodSource("badIndexes")
  void aBrokenIndexIsRefused(String json, String message) throws Exception {
    index(json);
    assertRefused(message);
  }

  static Stream<Arguments> badIndexes() {
    return Stream.of(
        arguments("", "expected a file of 1 to 16777216 bytes, got 0"),
        arguments("[]", "document, expected an object, got an array of 0"),
        arguments("{}", "key \"weight_map\", expected a value, got no such key"),
        arguments(
            "{\"weight_map\":[]}", "key \"weight_map\", expected an object, got an array of 0"),
        arguments("{\"weight_map\":null}", "key \"weight_map\", expected an object, got null"),
        arguments("{\"weight_map\":\"m\"}", "key \"weight_map\", expected an object, got \"m\""),
        arguments("{\"weight_map\":{\"a\":1}}", "key \"weight_map.a\", expected a string, got 1"),
        arguments(
            "{\"weight_map\":{\"a\":null}}", "key \"weight_map.a\", expected a string, got null"),
        arguments(
            "{\"weight_map\":{\"a\":{}}}",
            "key \"weight_map.a\", expected a string, got an object"),
        arguments(
            "{\"weight_map\":{\"a\":\"x\",\"a\":\"y\"}}",
            "key \"weight_map.a\", expected once, got it twice"),
        arguments("{\"weight_map\":", "expected the rest of the text, got its end at character 14"),
        arguments("\uFEFF{}", "byte order mark"));
  }

  private void index(String json) throws Exception {
    Files.writeString(folder.resolve(INDEX), json);
  }

  private void assertRefused(String message) {
    assertThatThrownBy(() -> Weights.open(arena, folder))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(message)
        .hasMessageContaining(INDEX)
        .hasMessageMatching("[^\\n]+; [^\\n]+");
  }
}
