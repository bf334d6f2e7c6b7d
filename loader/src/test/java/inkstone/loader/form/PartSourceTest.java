package inkstone.loader.form;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Parts inside the files of other programs. */
final class PartSourceTest {
  @TempDir private Path temporary;
  private final TensorArena arena = TensorArena.open("test");

  @AfterEach
  void close() {
    arena.close();
  }

  private TensorSource file(Consumer<SafetensorsWriter> tensors) throws CheckpointException {
    SafetensorsWriter writer = new SafetensorsWriter();
    tensors.accept(writer);
    return Weights.source(arena, writer.write(temporary.resolve("file")));
  }

  private static SafetensorsWriter fp8(SafetensorsWriter writer, String name) {
    return writer.raw(name, DType.F8_E4M3, new byte[] {0x38, 0x40, (byte) 0xb8, 0}, 2, 2);
  }

  @Test
  void aScaleBelongsToItsWeightAndIsNoTensor() throws CheckpointException {
    TensorSource source =
        file(writer -> {
          fp8(fp8(fp8(writer, "x.a.weight"), "x.b.weight"), "x.c.weight");
          writer.f32("x.a.scale_weight", new float[] {3});
          writer.f32("x.a.scale_input", new float[] {7});
          writer.bf16("x.b.weight_scale", new float[] {0.5f}, 1);
          writer.f32("x.b.input_scale", new float[] {7});
          writer.f32("x.gone.weight_scale", new float[] {7});
          writer.f32("y.a.weight", new float[] {1}, 1);
          writer.raw("x.scaled_fp8", DType.F8_E4M3, new byte[2], 2);
          writer.f32("x.__index_timestep_zero__", new float[0], 0);
        });
    PartSource part = PartSource.of(source, PartKind.TRANSFORMER, "x.");
    assertThat(part.names()).isEqualTo(Set.of("a.weight", "b.weight", "c.weight"));
    assertThat(part.tensor("a.weight").toFloatArray()).containsExactly(3, 6, -3, 0);
    assertThat(part.tensor("b.weight").toFloatArray()).containsExactly(0.5f, 1, -0.5f, 0);
    assertThat(part.tensor("c.weight").toFloatArray()).containsExactly(1, 2, -1, 0);
    assertThat(part.marksTimestepZero()).isTrue();
    assertThat(part.bytes()).isEqualTo(12);
    assertThat(part.where("a.weight")).endsWith("file");
    assertThatThrownBy(() -> part.tensor("x.a.weight"))
        .isInstanceOf(IllegalArgumentException.class);
  }

  @Test
  void otherScalesAreRefused() throws CheckpointException {
    refused(w -> fp8(w, "a.weight").f32("a.weight_scale", new float[2], 2), "one F32 number");
    refused(w -> fp8(w, "a.weight").f32("a.weight_scale", new float[] {Float.NaN}), "NaN");
    refused(w -> fp8(w, "a.weight").i64("a.weight_scale", new long[1]), "one F32 number");
    refused(
        w -> w.raw("a.weight", DType.I8, new byte[4], 4).f32("a.weight_scale", new float[] {1}),
        "I8 with a scale");
    refused(
        w -> w.raw("a.weight", DType.U8, new byte[4], 4).f32("a.weight_scale_2", new float[] {1}),
        "a scale of its kind");
    refused(w -> note(w, "{\"format\": \"nvfp4\"}"), "nvfp4");
    refused(w -> note(w, "{\"format\": 4}"), "format");
    refused(w -> note(w, "no json"), "json");
    refused(w -> note(w, " ".repeat(5000)), "an unknown note");
    refused(w -> w.metadata("_quantization_metadata", "{}"), "layers");
    refused(
        w ->
            w.metadata(
                "_quantization_metadata",
                "{\"layers\": {\"a\": {\"format\": \"int8_blockwise\"}}}"),
        "int8_blockwise");
  }

  private static void note(SafetensorsWriter writer, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    writer.raw("a.comfy_quant", DType.U8, bytes, bytes.length);
  }

  private void refused(Consumer<SafetensorsWriter> tensors, String message)
      throws CheckpointException {
    TensorSource source = file(tensors);
    assertThatThrownBy(() -> PartSource.of(source, PartKind.TRANSFORMER, ""))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(message);
  }

  @ParameterizedTest
  @CsvSource({
    "transformer_blocks.0.attn.norm_added_q.weight, the diffusion transformer of Qwen-Image",
    "model.diffusion_model.transformer_blocks.0.attn.norm_added_q.weight,"
        + " the diffusion transformer of Qwen-Image",
    "model.embed_tokens.weight, a Qwen2.5-VL text encoder",
    "model.language_model.embed_tokens.weight, a Qwen2.5-VL text encoder",
    "token_embd.weight, a Qwen2.5-VL text encoder",
    "v.patch_embd.weight, a Qwen2.5-VL vision tower",
    "decoder.middle.1.to_qkv.weight, the VAE of Qwen-Image",
    "vae.decoder.mid_block.attentions.0.to_qkv.weight, the VAE of Qwen-Image",
    "transformer_blocks.0.attn.to_q.lora_A.weight, a LoRA",
    "lora_unet_transformer_blocks_0_attn_to_q.lora_down.weight, a LoRA",
    "double_blocks.0.img_attn.qkv.weight, a Flux or HunyuanVideo transformer",
    "encoder.block.0.layer.0.SelfAttention.q.weight, a T5 text encoder",
    "decoder.up_blocks.0.resnets.0.conv1.weight, a VAE of another family",
    "something.else, no part of a Qwen-Image model"
  })
  void whatAFileIs(String name, String words) {
    assertThat(PartKind.describe(Set.of(name))).isEqualTo(words);
  }

  @Test
  void aFileWithTwoParts() {
    Set<String> names = Set.of("model.embed_tokens.weight", "visual.patch_embed.proj.weight");
    assertThat(PartKind.of(names).keySet())
        .containsExactly(PartKind.TEXT_ENCODER, PartKind.VISION_TOWER);
    assertThat(PartKind.describe(names))
        .isEqualTo("a Qwen2.5-VL text encoder with a Qwen2.5-VL vision tower");
  }

  @Test
  void theVaeOfWan22IsAnother() {
    assertThat(
            PartKind.of(
                Set.of(
                    "decoder.middle.1.to_qkv.weight",
                    "decoder.upsamples.0.upsamples.0.residual.2.weight")))
        .isEmpty();
  }
}
