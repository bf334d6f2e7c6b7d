package inkstone.loader;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The cursor: names, shapes, audit, and which file of a folder it takes. */
class WeightsTest {
  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("test");
  private Path file;

  @BeforeEach
  void write() {
    file =
        new SafetensorsWriter()
            .metadata("format", "pt")
            .f32("img_in.weight", new float[] {1, 2, 3, 4, 5, 6}, 2, 3)
            .f32("img_in.bias", new float[] {1, 2}, 2)
            .bf16("blocks.0.attn.to_q.weight", new float[] {7, 8}, 1, 2)
            .bf16("blocks.1.attn.to_q.weight", new float[] {9, 10}, 1, 2)
            .raw("scale", DType.I8, new byte[] {1}, 1)
            .write(folder.resolve("model.safetensors"));
  }

  @AfterEach
  void closeArena() {
    arena.close();
  }

  @Test
  void cursorsFindTensorsByNameAndShape() throws Exception {
    Weights weights = Weights.open(arena, folder);
    assertThat(weights.at("img_in").tensor("weight", 2, 3).getFloat(5)).isEqualTo(6);
    assertThat(weights.at("blocks", 1).at("attn").tensor("to_q.weight", 1, 2).getFloat(0))
        .isEqualTo(9);
    assertThat(weights.at("").at("blocks", 0).names()).containsExactly("attn.to_q.weight");
    assertThat(weights.at("img_in").has("bias")).isTrue();
    assertThat(weights.at("img_in").optional("gate", 2)).isNull();
    assertThat(weights.at("img_in").optional("bias", 2).dtype()).isEqualTo(DType.F32);
    assertThat(weights.metadata()).containsEntry("format", "pt");
    assertThat(weights.where("img_in.bias")).isEqualTo(file.toString());
  }

  @Test
  void auditNamesWhatNobodyRead() throws Exception {
    Weights weights = Weights.open(arena, file);
    weights.at("img_in").tensor("weight", 2, 3);
    weights.at("img_in").optional("gate", 1);
    assertThat(weights.audit().read()).containsExactly("img_in.weight");
    assertThat(weights.audit().unread())
        .containsExactly(
            "blocks.0.attn.to_q.weight", "blocks.1.attn.to_q.weight", "img_in.bias", "scale");
    assertThat(weights.audit().describe())
        .isEqualTo(
            "1 of 5 tensors read; not read: \"blocks.0.attn.to_q.weight\", \"blocks.1.attn.to_q.weight\", \"img_in.bias\", … 1 more");
  }

  @Test
  void renamedCursorsAskForStoredNames() throws Exception {
    Weights weights =
        Weights.open(arena, file).renamed(name -> name.replace("transformer_blocks.", "blocks."));
    assertThat(weights.at("transformer_blocks", 0).tensor("attn.to_q.weight", 1, 2).getFloat(1))
        .isEqualTo(8);
    Weights twice = weights.renamed(name -> name.replace("layers.", "transformer_blocks."));
    assertThat(twice.at("layers", 1).has("attn.to_q.weight")).isTrue();
    assertThat(twice.at("layers", 1).names()).contains("blocks.1.attn.to_q.weight");
    assertThat(twice.audit().read()).containsExactly("blocks.0.attn.to_q.weight");
  }

  @Test
  void aMissingTensorNamesTheNearest() throws Exception {
    Weights weights = Weights.open(arena, file);
    assertThatThrownBy(() -> weights.at("blocks", 2).tensor("attn.to_q.weight", 1, 2))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage(
            "weights: tensor \"blocks.2.attn.to_q.weight\" is missing; the nearest names are"
                + " \"blocks.0.attn.to_q.weight\", \"blocks.1.attn.to_q.weight\", \"img_in.weight\" ("
                + file
                + "); the weights are incomplete or of another model: download them again");
  }

  @Test
  void anotherShapeIsNamedWithBoth() throws Exception {
    Weights weights = Weights.open(arena, file);
    assertThatThrownBy(() -> weights.at("img_in").tensor("weight", 3, 2))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessage(
            "weights: tensor \"img_in.weight\", expected shape [3, 2], got [2, 3] ("
                + file
                + "); the weights belong to another config.json: use the two of one model");
    assertThatThrownBy(() -> weights.at("img_in").optional("bias"))
        .hasMessageContaining("expected shape [], got [2]");
  }

  @Test
  void aDtypeThatNoOpTakesIsRefusedButCanBeRead() throws Exception {
    Weights weights = Weights.open(arena, file);
    assertThatThrownBy(() -> weights.tensor("scale", 1))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "weights: tensor \"scale\", expected a dtype of [F32, F16, BF16, F8_E4M3, ");
    assertThat(weights.read("scale").getFloat(0)).isEqualTo(1);
  }

  @Test
  void floatsOf8BitsAreWeights() throws Exception {
    Path fp8 =
        new SafetensorsWriter()
            .raw("a.weight", DType.F8_E4M3, new byte[] {0x38, (byte) 0xc0}, 1, 2)
            .raw("b.weight", DType.F8_E5M2, new byte[] {0x3c, (byte) 0xc0}, 2, 1)
            .write(folder.resolve("fp8.safetensors"));
    Weights weights = Weights.open(arena, fp8);
    assertThat(weights.at("a").tensor("weight", 1, 2).toFloatArray()).containsExactly(1, -2);
    assertThat(weights.at("b").tensor("weight", 2, 1).toFloatArray()).containsExactly(1, -2);
  }

  @Test
  void quantisedBlocksAreNotSafetensors() {
    Path q8 =
        new SafetensorsWriter()
            .raw("a.weight", DType.Q8_0, new byte[34], 1, 32)
            .write(folder.resolve("q8.safetensors"));
    assertThatThrownBy(() -> Weights.open(arena, q8))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining("dtype, expected one of [F64, F32, ")
        .hasMessageContaining("got \"Q8_0\"");
  }

  @Test
  void aFolderWithoutWeightsIsRefused() throws Exception {
    Path empty = Files.createDirectory(folder.resolve("empty"));
    assertRefused(
        empty,
        "weights: expected a safetensors or GGUF checkpoint, got a folder without one",
        "empty");
  }

  @Test
  void anotherKindOfFileIsRefused() throws Exception {
    Path other = Files.writeString(folder.resolve("model.bin"), "x");
    assertRefused(
        other,
        "weights: expected a safetensors or GGUF checkpoint, got a text file",
        "model.bin",
        "; download the file with the tensors");
  }

  @Test
  void aMissingPathIsRefused() {
    assertRefused(folder.resolve("none"), "file: expected it here, got nothing", "none");
    assertRefused(
        folder.resolve("none.safetensors"),
        "file: expected it here, got nothing",
        "none.safetensors");
  }

  @Test
  void severalCheckpointsInAFolderAreRefusedUnlessOneHasTheUsualName() throws Exception {
    Path variants = Files.createDirectory(folder.resolve("variants"));
    Files.copy(file, variants.resolve("x.fp16.safetensors"));
    assertThat(Weights.open(arena, variants).names()).hasSize(5);
    Files.copy(file, variants.resolve("x.bf16.safetensors"));
    assertRefused(
        variants,
        "weights: expected one checkpoint in the folder, got two with a tensor \"blocks.0.attn.to_q.weight\": ",
        "x.bf16.safetensors and ",
        "give the path of the one to use");
    Files.copy(file, variants.resolve("diffusion_pytorch_model.safetensors"));
    assertThat(Weights.open(arena, variants).where(""))
        .endsWith("diffusion_pytorch_model.safetensors");
  }

  private void assertRefused(Path path, String... parts) {
    assertThatThrownBy(() -> Weights.open(arena, path))
        .isExactlyInstanceOf(CheckpointException.class)
        .message()
        .contains(parts);
  }
}
