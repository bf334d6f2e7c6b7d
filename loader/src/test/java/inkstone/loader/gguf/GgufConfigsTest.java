package inkstone.loader.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.VisionConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Configs and joined tensors of GGUF files against those of the tiny model's folder. */
class GgufConfigsTest {
  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("test");
  private GgufFile text;
  private GgufFile vision;

  @BeforeEach
  void write() throws IOException {
    text = GgufFile.open(arena, TinyGguf.text(folder.resolve("text"), true));
    vision = GgufFile.open(arena, TinyGguf.mmproj(folder.resolve("mmproj"), true));
  }

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void bothHalvesAreThoseOfTheFolder() throws Exception {
    assertThat(GgufConfigs.isText(text.typed())).isTrue();
    assertThat(GgufConfigs.isVision(text.typed())).isFalse();
    assertThat(GgufConfigs.isVision(vision.typed())).isTrue();
    TextEncoderConfig got = GgufConfigs.textEncoder(text.typed(), text, vision.typed(), vision);
    TextEncoderConfig expected = TextEncoderConfig.read(Golden.tinyModel());
    assertThat(got.text()).isEqualTo(expected.text());
    // Only videos would need the time steps, and no key has them.
    VisionConfig tower = expected.vision();
    assertThat(got.vision())
        .usingRecursiveComparison()
        .ignoringFields("tokensPerSecond")
        .isEqualTo(tower);
    assertThat(got).usingRecursiveComparison().ignoringFields("vision").isEqualTo(expected);
    ProcessorConfig processor = GgufConfigs.processor(vision.typed());
    ProcessorConfig published = ProcessorConfig.read(Golden.tinyModel());
    assertThat(processor.patchSize()).isEqualTo(published.patchSize());
    assertThat(processor.mergeSize()).isEqualTo(published.mergeSize());
    for (int i = 0; i < 3; i++) {
      assertThat(processor.imageMean().get(i).floatValue())
          .isEqualTo(published.imageMean().get(i).floatValue());
      assertThat(processor.imageStd().get(i).floatValue())
          .isEqualTo(published.imageStd().get(i).floatValue());
    }
  }

  @Test
  void withoutAVisionFileTheTowerIsThePublishedOne() throws Exception {
    TextEncoderConfig got = GgufConfigs.textEncoder(text.typed(), text, null, null);
    assertThat(got.text()).isEqualTo(TextEncoderConfig.read(Golden.tinyModel()).text());
    assertThat(got.vision().depth()).isEqualTo(32);
    assertThat(got.vision().outHiddenSize()).isEqualTo(128);
  }

  @Test
  void theTransformerKeepsNamesShapesAndNumbers() throws Exception {
    Weights got = Weights.open(arena, TinyGguf.transformer(folder.resolve("dit")));
    Weights expected = Weights.open(arena, Golden.tinyModel().resolve("transformer"));
    assertThat(got.metadata()).containsEntry("general.architecture", "qwen_image");
    assertThat(got.names()).isEqualTo(expected.names()).hasSizeGreaterThan(50);
    for (String name : expected.names()) {
      Tensor tensor = got.read(name);
      assertThat(tensor.shape()).as(name).isEqualTo(expected.read(name).shape());
      long last = tensor.elements() - 1;
      assertThat(tensor.getFloat(last)).as(name).isEqualTo(expected.read(name).getFloat(last));
    }
  }

  @Test
  void theFramesOfAPatchAreJoined() throws Exception {
    Weights weights = VisionNames.weights(arena, vision);
    Weights folderWeights = Weights.open(arena, Golden.tinyModel().resolve("text_encoder"));
    String name = "visual.patch_embed.proj.weight";
    Tensor got = weights.tensor(name, 64, 3, 2, 14, 14);
    assertThat(got.toFloatArray()).isEqualTo(folderWeights.read(name).toFloatArray());
    assertThat(weights.names()).doesNotContain("v.patch_embd.weight.1").hasSize(38);
    assertThat(weights.has("visual.blocks.1.attn.k.bias")).isTrue();
    assertThat(weights.has("visual.blocks.1.attn.qkv.bias")).isFalse();
    assertThat(weights.where(name)).endsWith("mmproj");
  }

  @Test
  void framesThatDifferAreRefused() throws Exception {
    Path file =
        new GgufBuilder()
            .f32("v.patch_embd.weight", new float[8], 2, 1, 2, 2)
            .f32("v.patch_embd.weight.1", new float[4], 1, 1, 2, 2)
            .write(folder.resolve("frames"));
    assertThatThrownBy(() -> VisionNames.weights(arena, GgufFile.open(arena, file)))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(
            "tensor \"v.patch_embd.weight.1\", expected F32[2, 1, 2, 2] of 4 dimensions");
  }

  @Test
  void windowsFollowThePatternOrTheList() throws Exception {
    assertThat(tower(new GgufBuilder().u32("clip.vision.n_wa_pattern", 8), 32))
        .isEqualTo(VisionConfig.QWEN_IMAGE.fullattBlockIndexes());
    assertThat(tower(new GgufBuilder().u32("clip.vision.n_wa_pattern", 0), 3))
        .containsExactly(0, 1, 2);
    assertThat(tower(new GgufBuilder(), 2)).containsExactly(0, 1);
    assertThat(tower(new GgufBuilder().i32s("clip.vision.wa_layer_indexes", 2, 5), 8))
        .containsExactly(2, 5);
  }

  private List<Integer> tower(GgufBuilder builder, int blocks) throws Exception {
    Path file =
        builder
            .string("general.architecture", "clip")
            .string("clip.vision.projector_type", "qwen2.5vl_merger")
            .u32("clip.vision.block_count", blocks)
            .u32("clip.vision.embedding_length", 64)
            .u32("clip.vision.feed_forward_length", 128)
            .u32("clip.vision.attention.head_count", 2)
            .u32("clip.vision.patch_size", 14)
            .u32("clip.vision.projection_dim", 128)
            .f32("v.patch_embd.weight", new float[3 * 4], 1, 3, 2, 2)
            .write(folder.resolve("tower"));
    GgufFile open = GgufFile.open(arena, file);
    VisionConfig config = GgufConfigs.textEncoder(text.typed(), text, open.typed(), open).vision();
    assertThat(config.windowSize()).isEqualTo(112);
    return config.fullattBlockIndexes();
  }

  @Test
  void anotherModelIsNamed() throws Exception {
    refused(
        new GgufBuilder().string("general.architecture", "llama"),
        "\"general.architecture\", expected qwen2vl, got \"llama\"");
    refused(new GgufBuilder(), "\"general.architecture\", expected qwen2vl, got no such key");
    assertThatThrownBy(() -> GgufConfigs.textEncoder(vision.typed(), vision, null, null))
        .hasMessageContaining("expected qwen2vl, got \"clip\"");
    assertThatThrownBy(() -> GgufConfigs.textEncoder(text.typed(), text, text.typed(), text))
        .hasMessageContaining("expected clip, got \"qwen2vl\"");
    GgufFile other =
        GgufFile.open(
            arena,
            new GgufBuilder()
                .string("general.architecture", "clip")
                .string("clip.projector_type", "gemma3")
                .write(folder.resolve("gemma")));
    assertThatThrownBy(() -> GgufConfigs.processor(other.typed()))
        .hasMessageContaining("expected qwen2.5vl_merger, got \"gemma3\"");
  }

  @Test
  void wrongValuesAreNamed() throws Exception {
    GgufBuilder half = new GgufBuilder().string("general.architecture", "qwen2vl");
    refused(half.u32("qwen2vl.embedding_length", 0), "\"qwen2vl.embedding_length\", expected a");
    refused(
        base(7, 4, 4, 6, 6, 0), "num_key_value_heads\", expected a divisor of num_attention_heads");
    refused(base(4, 2, 4, 6, 7, 0), "mrope_section\", expected a sum of half a head, 16");
    refused(
        base(4, 2, 4, 6, 6, 1), "expected three numbers, or a fourth that is 0, got [4, 6, 6, 1]");
    refused(base(4, 2, 4, 6), "expected three numbers");
  }

  private static GgufBuilder base(int heads, int kvHeads, int... sections) {
    return new GgufBuilder()
        .string("general.architecture", "qwen2vl")
        .u32("qwen2vl.embedding_length", 128)
        .u32("qwen2vl.feed_forward_length", 256)
        .u32("qwen2vl.block_count", 2)
        .u32("qwen2vl.attention.head_count", heads)
        .u32("qwen2vl.attention.head_count_kv", kvHeads)
        .f32("qwen2vl.attention.layer_norm_rms_epsilon", 1e-6f)
        .i32s("qwen2vl.rope.dimension_sections", sections)
        .f32("token_embd.weight", new float[128], 1, 128);
  }

  private void refused(GgufBuilder builder, String message) throws Exception {
    GgufFile file = GgufFile.open(arena, builder.write(folder.resolve("wrong.gguf")));
    assertThatThrownBy(() -> GgufConfigs.textEncoder(file.typed(), file, null, null))
        .isExactlyInstanceOf(CheckpointException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("wrong.gguf")
        .hasMessageMatching("[^\\n]+; [^\\n]+");
  }
}
