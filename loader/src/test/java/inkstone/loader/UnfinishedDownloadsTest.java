package inkstone.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.json.Json;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnfinishedDownloadsTest {
  @TempDir Path folder;

  @ParameterizedTest
  @ValueSource(
      strings = {"part", "PARTIAL", "incomplete", "crdownload", "download", "aria2", "!qB"})
  void isNamedWhereTheFileIsMissing(String ending) throws Exception {
    Path whole =
        new SafetensorsWriter().f32("a", new float[1]).write(folder.resolve("m.safetensors"));
    Path unfinished = folder.resolve("m.safetensors." + ending);
    Files.move(whole, unfinished);
    assertThat(UnfinishedDownloads.isOne(unfinished)).isTrue();
    assertThat(UnfinishedDownloads.isOne(whole)).isFalse();
    try (TensorArena arena = TensorArena.open("test")) {
      assertThatThrownBy(() -> Weights.open(arena, folder))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("an unfinished download: \"m.safetensors." + ending + "\"");
    }
  }

  /** Its content may look like a checkpoint's already. */
  @Test
  void isNoPartOfTheCheckpointBesideIt() throws Exception {
    Path whole =
        new SafetensorsWriter().f32("a", new float[1]).write(folder.resolve("m.safetensors"));
    Files.copy(whole, folder.resolve("other.safetensors.part"));
    try (TensorArena arena = TensorArena.open("test")) {
      assertThat(Weights.open(arena, folder).names()).containsExactly("a");
    }
    assertThat(UnfinishedDownloads.said(folder.resolve("none"))).isEmpty();
  }

  @Test
  void aFolderUnderTheNameOfWeightsIsNoCheckpoint() throws Exception {
    Files.createDirectory(folder.resolve("model.safetensors"));
    try (TensorArena arena = TensorArena.open("test")) {
      assertThatThrownBy(() -> Weights.open(arena, folder))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining("expected a file, got a folder");
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n",
        "<!DOCTYPE html><html></html>",
        "\ufeff <html></html>"
      })
  void whatIsDownloadedInPlaceOfJsonIsNamed(String content) throws Exception {
    Path file = Files.writeString(folder.resolve("config.json"), content);
    assertThatThrownBy(() -> Json.read(file))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("config.json")
        .hasMessageContaining(content.startsWith("version") ? "Git LFS pointer" : "a web page");
  }
}
