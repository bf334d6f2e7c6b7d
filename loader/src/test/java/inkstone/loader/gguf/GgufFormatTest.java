package inkstone.loader.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Which files are read as what: by content alone; whole, split and gathered in folders. */
class GgufFormatTest {
  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("test");

  @AfterEach
  void close() {
    arena.close();
  }

  private static GgufBuilder one(String name, float value) {
    return new GgufBuilder()
        .string("general.architecture", "qwen_image")
        .f32(name, new float[] {value, 2, 3, 4, 5, 6}, 2, 3);
  }

  @Test
  void shapesAreInPyTorchsOrder() throws Exception {
    Path file =
        new GgufBuilder()
            .f32("conv", new float[24], 2, 3, 4)
            .f32("scalar", new float[] {7})
            .f32("none", new float[0], 0, 4)
            .tensor("q", DType.Q8_0, new byte[4 * 34], 2, 64)
            .write(folder.resolve("a.gguf"));
    GgufFile open = GgufFile.open(arena, file);
    assertThat(open.tensor("conv").shape()).isEqualTo(Shape.of(2, 3, 4));
    assertThat(open.tensor("scalar").shape()).isEqualTo(Shape.of());
    assertThat(open.tensor("scalar").getFloat(0)).isEqualTo(7);
    assertThat(open.tensor("none").elements()).isZero();
    assertThat(open.tensor("q").dtype()).isEqualTo(DType.Q8_0);
    assertThat(open.where("conv")).isEqualTo(file.toString());
    assertThatThrownBy(() -> open.tensor("other"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("no tensor \"other\"");
  }

  @Test
  void versionTwoAndOtherAlignmentsAreRead() throws Exception {
    GgufBuilder builder =
        new GgufBuilder().alignment(8).f32("a", new float[] {1}, 1).f32("b", new float[] {2}, 1);
    Path file = Files.write(folder.resolve("v2"), builder.bytes(2, 2, 1));
    GgufFile open = GgufFile.open(arena, file);
    assertThat(open.header().version()).isEqualTo(2);
    assertThat(open.tensor("b").getFloat(0)).isEqualTo(2);
  }

  @Test
  void theLastTensorNeedsNoPadding() throws Exception {
    byte[] bytes = one("a", 1).bytes();
    Path file = Files.write(folder.resolve("a"), Arrays.copyOf(bytes, bytes.length - 8));
    assertThat(GgufFile.open(arena, file).tensor("a").getFloat(5)).isEqualTo(6);
  }

  @Test
  void anOriginalShapeIsApplied() throws Exception {
    Path file =
        new GgufBuilder()
            .i32s("comfy.gguf.orig_shape.a", 2, 2, 2, 1)
            .f32("a", new float[] {1, 2, 3, 4, 5, 6, 7, 8}, 1, 8)
            .f32("b", new float[8], 1, 8)
            .write(folder.resolve("a.gguf"));
    Weights weights = Weights.open(arena, file);
    assertThat(weights.tensor("a", 2, 2, 2, 1).getFloat(7)).isEqualTo(8);
    assertThat(weights.tensor("b", 1, 8).elements()).isEqualTo(8);
  }

  @Test
  void aFileWithoutMetadataHasNoArchitecture() throws Exception {
    // stable-diffusion.cpp writes no metadata at all.
    Path file = new GgufBuilder().f32("a", new float[] {1}, 1).write(folder.resolve("a"));
    assertThat(GgufFile.open(arena, file).typed().architecture()).isEmpty();
  }

  @Test
  void contentDecidesAndNotTheName() throws Exception {
    Path gguf = one("a", 1).write(folder.resolve("a.safetensors"));
    assertThat(Weights.open(arena, gguf).metadata())
        .containsEntry("general.architecture", "qwen_image");
    Path safetensors =
        new SafetensorsWriter().f32("a", new float[] {1}, 1).write(folder.resolve("b.gguf"));
    assertThat(Weights.open(arena, safetensors).names()).containsExactly("a");
    Path index =
        Files.writeString(
            folder.resolve("c"), "{\"weight_map\":{\"a\":\"m-00001-of-00001.safetensors\"}}");
    Files.copy(safetensors, folder.resolve("m-00001-of-00001.safetensors"));
    assertThat(Weights.open(arena, index).names()).containsExactly("a");
  }

  @Test
  void otherFilesAreNamedForWhatTheyAre() throws Exception {
    refused("a.gguf", "hello, I am a text\n", "got a text file", "; download the file with the");
    refused(
        "a.safetensors", "<!doctype html><html>", "got a web page", "; download the file itself");
    refused(
        "b.gguf", "{\"model_type\": \"x\"}", "got JSON text", "; give the file with the tensors");
    refused("c.gguf", "", "got an empty file", "; download it again");
    refused("d.gguf", "version https://git-lfs.github.com/spec/v1\n", "Git LFS", "git lfs pull");
    refused("e.json", "{\"weight_map\": ", "expected the rest of the text", "e.json");
    byte[] whole = one("a", 1).bytes();
    Files.write(folder.resolve("half.gguf"), Arrays.copyOf(whole, whole.length - 20));
    assertThatThrownBy(() -> Weights.open(arena, folder.resolve("half.gguf")))
        .hasMessageContaining("the file is cut short: download it again");
    byte[] tensors =
        Files.readAllBytes(
            new SafetensorsWriter()
                .f32("a", new float[8], 8)
                .write(folder.resolve("whole.safetensors")));
    Files.write(folder.resolve("half"), Arrays.copyOf(tensors, tensors.length - 8));
    assertThatThrownBy(() -> Weights.open(arena, folder.resolve("half")))
        .hasMessageContaining("the file is cut short: download it again");
  }

  private void refused(String name, String content, String... parts) throws Exception {
    Path file = Files.writeString(folder.resolve(name), content);
    assertThatThrownBy(() -> Weights.open(arena, file))
        .isExactlyInstanceOf(CheckpointException.class)
        .message()
        .contains(parts)
        .contains(name);
  }

  @Test
  void aFolderMayHoldOneGgufFile() throws Exception {
    Files.writeString(folder.resolve("config.json"), "{}");
    one("a", 3).write(folder.resolve("whatever"));
    assertThat(Weights.open(arena, folder).tensor("a", 2, 3).getFloat(0)).isEqualTo(3);
    one("b", 3).write(folder.resolve("other.gguf"));
    assertThatThrownBy(() -> Weights.open(arena, folder))
        .hasMessageContaining(
            "expected one GGUF checkpoint in the folder, got 2 files: \"other.gguf, whatever\"");
  }

  private GgufBuilder part(int number, int count, String name, float value) {
    return one(name, value)
        .raw("split.no", 2, new byte[] {(byte) number, 0})
        .raw("split.count", 2, new byte[] {(byte) count, 0})
        .raw("split.tensors.count", 5, GgufBuilder.u32(3));
  }

  private void split() throws Exception {
    for (int i = 0; i < 3; i++) {
      part(i, 3, "t" + i, i).write(folder.resolve("m-0000" + (i + 1) + "-of-00003.gguf"));
    }
  }

  @Test
  void aSplitFileIsReadWholeFromAnyPart() throws Exception {
    split();
    for (Path path : List.of(folder, folder.resolve("m-00002-of-00003.gguf"))) {
      Weights weights = Weights.open(arena, path);
      assertThat(weights.names()).containsExactly("t0", "t1", "t2");
      assertThat(weights.tensor("t2", 2, 3).getFloat(0)).isEqualTo(2);
      assertThat(weights.where("t1")).endsWith("m-00002-of-00003.gguf");
    }
    GgufCheckpoint checkpoint = GgufCheckpoint.open(arena, folder.resolve("m-00003-of-00003.gguf"));
    assertThat(checkpoint.metadata().whole("split.no")).isZero();
  }

  @Test
  void wrongPartsAreRefused() throws Exception {
    split();
    Path first = folder.resolve("m-00001-of-00003.gguf");
    Path second = folder.resolve("m-00002-of-00003.gguf");
    Path renamed = Files.copy(first, folder.resolve("renamed.gguf"));
    assertThatThrownBy(() -> Weights.open(arena, renamed))
        .hasMessageContaining("expected the count in the name of the file, as NAME-00001-of-00003");
    Files.delete(renamed);
    part(1, 3, "t0", 1).write(second);
    assertThatThrownBy(() -> Weights.open(arena, first))
        .hasMessageContaining("got two with a tensor \"t0\"");
    part(2, 3, "t1", 1).write(second);
    assertThatThrownBy(() -> Weights.open(arena, first))
        .hasMessageContaining("\"split.no\", expected 1 as the name says, got 2");
    part(1, 2, "t1", 1).write(second);
    assertThatThrownBy(() -> Weights.open(arena, first))
        .hasMessageContaining("\"split.count\", expected 3 as in the part given");
    one("t1", 1).write(second);
    assertThatThrownBy(() -> Weights.open(arena, first)).hasMessageContaining("split.count");
    Files.delete(second);
    assertThatThrownBy(() -> Weights.open(arena, first))
        .hasMessageContaining("part \"m-00002-of-00003.gguf\", expected beside the other parts")
        .hasMessageContaining("; download the missing file");
  }

  @Test
  void safetensorsWithoutAnIndexAreJoined() throws Exception {
    for (int i = 1; i <= 2; i++) {
      new SafetensorsWriter()
          .metadata("format", "pt")
          .f32("t" + i, new float[] {i}, 1)
          .write(folder.resolve("model-0000" + i + "-of-00002.safetensors"));
    }
    Weights weights = Weights.open(arena, folder);
    assertThat(weights.names()).containsExactly("t1", "t2");
    assertThat(weights.tensor("t2", 1).getFloat(0)).isEqualTo(2);
    assertThat(weights.where("t2")).endsWith("model-00002-of-00002.safetensors");
    assertThat(weights.metadata()).containsEntry("format", "pt");
    Files.delete(folder.resolve("model-00001-of-00002.safetensors"));
    Files.copy(
        folder.resolve("model-00002-of-00002.safetensors"), folder.resolve("extra.safetensors"));
    assertThatThrownBy(() -> Weights.open(arena, folder))
        .hasMessageContaining(
            "expected all 2 parts of the checkpoint, got none named \"model-00001-of-00002.safetensors\"");
  }
}
