package inkstone.model.lora;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.safetensors.SafetensorsFile;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Matching by names, and every mistake that a file can hold. */
final class LoraSetTest {
  private static final String Q = "transformer_blocks.0.attn.to_q";
  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("test");
  private final Random random = new Random(3);
  private int files;

  @AfterEach
  void close() {
    arena.close();
  }

  private static TransformerConfig config() throws CheckpointException {
    return TransformerConfig.read(Golden.tinyModel().resolve("transformer")); // 256 channels
  }

  private SafetensorsWriter pair(SafetensorsWriter to, String module, int rank, int in, int out) {
    return to.f32(module + ".lora_A.weight", LoraFiles.random(random, rank, in, 1), rank, in)
        .f32(module + ".lora_B.weight", LoraFiles.random(random, out, rank, 1), out, rank);
  }

  private Path write(SafetensorsWriter file) {
    return file.write(folder.resolve("lora" + files++ + ".safetensors"));
  }

  private LoraSet open(SafetensorsWriter file) throws CheckpointException {
    return LoraSet.open(arena, config(), List.of(LoraFile.of(write(file))));
  }

  private AbstractThrowableAssert<?, ?> assertUnfit(SafetensorsWriter file) {
    return assertThatThrownBy(() -> open(file)).isInstanceOf(CheckpointException.class);
  }

  @Test
  void aMatchNamesWhatIsUsedAndWhatIsNot() throws IOException {
    SafetensorsWriter file = pair(new SafetensorsWriter(), "transformer." + Q, 4, 256, 256);
    pair(file, "transformer_blocks.60.attn.to_q", 4, 256, 256);
    pair(file, "lora_te_text_model", 4, 8, 8);
    file.f32("positions", new float[] {1}, 1);
    Path path = write(file);
    LoraMatch match = LoraMatch.of(SafetensorsFile.open(arena, path), config());
    assertThat(match.matched()).containsExactly(Q);
    assertThat(match.unmatched())
        .containsExactly("lora_te_text_model", "transformer_blocks.60.attn.to_q");
    assertThat(match.unused()).containsExactly("positions");
    assertThat(match.refused()).isEmpty();
    LoraSet set = LoraSet.open(arena, config(), List.of(LoraFile.of(path)));
    assertThat(set.matches()).containsExactly(match);
    assertThat(set.warnings())
        .containsExactly(
            "LoRA "
                + path
                + ": 2 of 3 modules match no layer of this model: \"lora_te_text_model\","
                + " \"transformer_blocks.60.attn.to_q\"; 1 tensor has an unknown kind of name:"
                + " \"positions\"");
    assertThat(set.layer(Q)).isNotNull();
    assertThat(set.layer("img_in")).isNull();
  }

  @Test
  void aWholeFileSaysNothing() throws IOException {
    LoraSet set = open(pair(new SafetensorsWriter(), Q, 4, 256, 256));
    assertThat(set.warnings()).isEmpty();
    assertThat(LoraSet.open(arena, config(), List.of())).isSameAs(LoraSet.NONE);
    assertThat(LoraSet.NONE.digest()).isEmpty();
  }

  @Test
  void theDigestChangesWithContentAndScale() throws IOException {
    SafetensorsWriter file = pair(new SafetensorsWriter(), Q, 4, 256, 256);
    Path first = write(file);
    Path same = write(file);
    Path other = write(pair(new SafetensorsWriter(), Q, 4, 256, 256));
    String digest = digest(new LoraFile(first, 1));
    assertThat(digest).hasSize(64).isEqualTo(digest(new LoraFile(same, 1)));
    assertThat(
            List.of(
                digest,
                digest(new LoraFile(first, 0.5)),
                digest(new LoraFile(other, 1)),
                digest(new LoraFile(first, 1), new LoraFile(other, 1)),
                digest(new LoraFile(other, 1), new LoraFile(first, 1)),
                ""))
        .doesNotHaveDuplicates();
  }

  private String digest(LoraFile... loras) throws CheckpointException {
    return LoraSet.open(arena, config(), List.of(loras)).digest();
  }

  @Test
  void aLoraOfAnotherModelIsRefused() {
    assertUnfit(pair(new SafetensorsWriter(), "double_blocks.0.img_attn.qkv", 4, 256, 256))
        .hasMessageContaining("no key matches a layer of this model")
        .hasMessageContaining("double_blocks.0.img_attn.qkv")
        .hasMessageContaining("give a LoRA of Qwen-Image");
    assertUnfit(new SafetensorsWriter()).hasMessageContaining("got no tensors");
    assertUnfit(new SafetensorsWriter().f32("x", new float[] {1}, 1))
        .hasMessageContaining("no key matches");
    assertUnfit(pair(new SafetensorsWriter(), Q, 4, 3072, 3072))
        .hasMessageContaining("expected shape [4, 256], got [4, 3072]")
        .hasMessageContaining(Q)
        .hasMessageContaining("for another model");
  }

  @Test
  void halvesThatDoNotFitAreRefused() {
    assertUnfit(
            new SafetensorsWriter()
                .f32(Q + ".lora_A.weight", new float[4 * 256], 4, 256)
                .f32(Q + ".lora_B.weight", new float[5 * 256], 256, 5))
        .hasMessageContaining("expected shape [256, 4], got [256, 5]");
    assertUnfit(new SafetensorsWriter().f32(Q + ".lora_A.weight", new float[4 * 256], 4, 256))
        .hasMessageContaining("expected its lora_B too");
    assertUnfit(new SafetensorsWriter().f32(Q + ".lora_B.weight", new float[4 * 256], 256, 4))
        .hasMessageContaining("expected its lora_A too");
    assertUnfit(
            new SafetensorsWriter()
                .f32(Q + ".lora_A.weight", new float[5000 * 256], 5000, 256)
                .f32(Q + ".lora_B.weight", new float[5000 * 256], 256, 5000))
        .hasMessageContaining("rank 1 to 4096");
    assertUnfit(
            new SafetensorsWriter()
                .f32(Q + ".lora_A.weight", new float[0], 0, 256)
                .f32(Q + ".lora_B.weight", new float[0], 256, 0))
        .hasMessageContaining("rank 1 to 4096");
    assertUnfit(
            new SafetensorsWriter()
                .raw(Q + ".lora_A.weight", DType.I8, new byte[4 * 256], 4, 256)
                .f32(Q + ".lora_B.weight", new float[4 * 256], 256, 4))
        .hasMessageContaining("got I8");
    assertUnfit(new SafetensorsWriter().f32(Q + ".lora_A.weight", new float[256], 256))
        .hasMessageContaining("a matrix");
  }

  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void anAlphaThatIsNoNumberIsRefused(float alpha) {
    assertUnfit(
            pair(new SafetensorsWriter(), Q, 4, 256, 256).f32(Q + ".alpha", new float[] {alpha}))
        .hasMessageContaining("expected a finite number, got " + alpha);
  }

  @Test
  void anAlphaAloneMatchesNothing() throws IOException {
    SafetensorsWriter file = pair(new SafetensorsWriter(), Q, 4, 256, 256);
    LoraSet set = open(file.f32("img_in.alpha", new float[] {1}));
    assertThat(set.matches().getFirst().matched()).containsExactly(Q);
    assertThat(set.matches().getFirst().unused()).containsExactly("img_in.alpha");
    assertUnfit(new SafetensorsWriter().f32("img_in.alpha", new float[] {1}))
        .hasMessageContaining("no key matches");
  }

  @Test
  void severalAlphasAreRefused() {
    assertUnfit(
            pair(new SafetensorsWriter(), Q, 4, 256, 256).f32(Q + ".alpha", new float[] {1, 2}, 2))
        .hasMessageContaining("expected one number");
  }

  @Test
  void aTensorInTwoSpellingsIsRefused() {
    SafetensorsWriter file = pair(new SafetensorsWriter(), Q, 4, 256, 256);
    assertUnfit(pair(file, "diffusion_model." + Q, 4, 256, 256))
        .hasMessageContaining("in another spelling too");
  }

  @Test
  void twoKindsForOneLayerAreRefused() {
    assertUnfit(
            pair(new SafetensorsWriter(), Q, 4, 256, 256)
                .f32(Q + ".diff", new float[256 * 256], 256, 256))
        .hasMessageContaining("got several");
  }

  @ParameterizedTest
  @ValueSource(strings = {".dora_scale", ".lora_magnitude_vector", ".lora_magnitude_vector.weight"})
  void doraIsRefusedByName(String ending) {
    assertUnfit(pair(new SafetensorsWriter(), Q, 4, 256, 256).f32(Q + ending, new float[256], 256))
        .hasMessageContaining("DoRA is not supported")
        .hasMessageContaining(ending);
  }

  @ParameterizedTest
  @ValueSource(strings = {".lora_mid.weight", ".hada_t1", ".lokr_t2"})
  void tuckerIsRefusedByName(String ending) {
    assertUnfit(
            pair(new SafetensorsWriter(), Q, 4, 256, 256)
                .f32(Q + ending, new float[16], 4, 4, 1, 1))
        .hasMessageContaining("a Tucker decomposition is not supported")
        .hasMessageContaining(ending);
  }

  @Test
  void kroneckerFactorsMustDivideTheLayer() {
    assertUnfit(
            new SafetensorsWriter()
                .f32(Q + ".lokr_w1", new float[6], 3, 2)
                .f32(Q + ".lokr_w2", new float[6], 3, 2))
        .hasMessageContaining("a left factor that divides [256, 256], got [3, 2]");
    assertUnfit(
            new SafetensorsWriter()
                .f32(Q + ".lokr_w1", new float[8], 4, 2)
                .f32(Q + ".lokr_w2", new float[64], 8, 8))
        .hasMessageContaining("expected shape [64, 128], got [8, 8]");
    assertUnfit(new SafetensorsWriter().f32(Q + ".lokr_w1", new float[8], 4, 2))
        .hasMessageContaining("expected its lokr_w2_b too");
    assertUnfit(new SafetensorsWriter().f32(Q + ".lokr_w1", new float[0], 0, 2))
        .hasMessageContaining("a matrix");
  }

  @Test
  void metadataMustBeReadable() {
    for (String metadata :
        List.of(
            "{\"transformer.use_dora\": true}",
            "{\"transformer.lora_alpha\": \"x\"}",
            "[1",
            "{\"lora_alpha\": 4, \"r\": 0}",
            "{\"r\": 4, \"lora_alpha\": 4, \"alpha_pattern\": {\"(a+)+$\": 3}}")) {
      assertUnfit(
          pair(new SafetensorsWriter(), Q, 4, 256, 256)
              .metadata("lora_adapter_metadata", metadata));
    }
  }

  @Test
  void aFileThatIsNoneIsRefused() throws IOException {
    Path text = Files.writeString(folder.resolve("lora.safetensors"), "not a LoRA");
    assertThatThrownBy(() -> LoraSet.open(arena, config(), List.of(LoraFile.of(text))))
        .isInstanceOf(CheckpointException.class);
    assertThatThrownBy(() -> new LoraFile(text, Double.NaN))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("LoRA scale");
  }
}
