package inkstone.loader.config;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Configs from shapes alone; the published dimensions in files that take no space. */
final class ShapeConfigsTest {
  @TempDir private Path temporary;
  private final TensorArena arena = TensorArena.open("test");
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  @AfterEach
  void close() {
    arena.close();
  }

  private TensorSource file() throws IOException {
    StringBuilder header = new StringBuilder("{");
    long offset = 0;
    for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
      long elements = Arrays.stream(entry.getValue()).reduce(1, (a, b) -> a * b);
      header.append(header.length() > 1 ? "," : "").append('"').append(entry.getKey());
      header.append("\":{\"dtype\":\"F8_E4M3\",\"shape\":[");
      header.append(
          Arrays.stream(entry.getValue())
              .mapToObj(Long::toString)
              .collect(Collectors.joining(",")));
      header.append("],\"data_offsets\":[").append(offset).append(',');
      offset += elements;
      header.append(offset).append("]}");
    }
    byte[] json = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
    Path path = temporary.resolve("model.safetensors");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      byte[] length =
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(json.length).array();
      file.write(length);
      file.write(json);
      file.setLength(8 + json.length + offset);
    }
    return Weights.source(arena, path);
  }

  private void put(String name, long... shape) {
    shapes.put(name, shape);
  }

  private void putTransformer() {
    put("img_in.weight", 3072, 64);
    put("txt_norm.weight", 3584);
    put("proj_out.weight", 64, 3072);
    put("transformer_blocks.0.attn.norm_q.weight", 128);
    for (int i = 0; i < 60; i++) {
      put("transformer_blocks." + i + ".attn.to_q.weight", 3072, 3072);
    }
  }

  private void putText(String text, String vision) {
    put(text + "embed_tokens.weight", 152_064, 3584);
    put(text + "layers.0.mlp.gate_proj.weight", 18_944, 3584);
    put(text + "layers.0.self_attn.q_proj.weight", 3584, 3584);
    put(text + "layers.0.self_attn.k_proj.weight", 512, 3584);
    for (int i = 0; i < 28; i++) {
      put(text + "layers." + i + ".input_layernorm.weight", 3584);
    }
    put(vision + "patch_embed.proj.weight", 1280, 3, 2, 14, 14);
    put(vision + "blocks.0.mlp.gate_proj.weight", 3420, 1280);
    put(vision + "merger.mlp.2.weight", 3584, 5120);
    for (int i = 0; i < 32; i++) {
      put(vision + "blocks." + i + ".norm1.weight", 1280);
    }
  }

  @Test
  void thePublishedTransformer() throws IOException {
    putTransformer();
    assertThat(ShapeConfigs.transformer(file())).isEqualTo(TransformerConfig.QWEN_IMAGE);
  }

  @Test
  void thePublishedTextEncoderInBothSpellings() throws IOException {
    putText("model.", "visual.");
    TensorSource old = file();
    assertThat(ShapeConfigs.textEncoder(old, old)).isEqualTo(TextEncoderConfig.QWEN_IMAGE);
    shapes.clear();
    putText("model.language_model.", "model.visual.");
    TensorSource nested = file();
    assertThat(ShapeConfigs.textEncoder(nested, nested)).isEqualTo(TextEncoderConfig.QWEN_IMAGE);
    assertThat(ShapeConfigs.textEncoder(nested, null)).isEqualTo(TextEncoderConfig.QWEN_IMAGE);
  }

  @Test
  void theVaeOfOtherWidthsAndDepths() throws CheckpointException {
    for (Path model : new Path[] {Golden.tinyModel(), Golden.path("models/full")}) {
      Path vae = model.resolve("vae");
      VaeConfig written = VaeConfig.read(vae);
      VaeConfig inferred = ShapeConfigs.vae(Weights.source(arena, vae));
      assertThat(inferred)
          .isEqualTo(
              new VaeConfig(
                  written.baseDim(),
                  written.zDim(),
                  written.dimMult(),
                  written.numResBlocks(),
                  written.attnScales(),
                  written.temperalDownsample(),
                  written.inputChannels(),
                  VaeConfig.QWEN_IMAGE.latentsMean(),
                  VaeConfig.QWEN_IMAGE.latentsStd()));
    }
  }

  @Test
  void theTinyTransformerIsInferredToo() throws CheckpointException {
    Path folder = Golden.tinyModel().resolve("transformer");
    assertThat(ShapeConfigs.transformer(Weights.source(arena, folder)).withZeroCondT(true))
        .isEqualTo(TransformerConfig.read(folder));
  }

  @Test
  void whatNoShapeTellsIsAskedFor() throws IOException {
    Path full = Golden.path("models/full");
    assertThatThrownBy(
            () -> ShapeConfigs.transformer(Weights.source(arena, full.resolve("transformer"))))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("head size of the transformer, expected 128")
        .hasMessageContaining("put the model's config.json as text under \"config\"");
    TensorSource text = Weights.source(arena, Golden.tinyModel().resolve("text_encoder"));
    assertThatThrownBy(() -> ShapeConfigs.textEncoder(text, text))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("Qwen2.5-VL");
    putTransformer();
    put("img_in.weight", 3072, 64, 1);
    assertThatThrownBy(() -> ShapeConfigs.transformer(file()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("img_in.weight, expected 2 dimensions");
    shapes.clear();
    assertThatThrownBy(() -> ShapeConfigs.transformer(file()))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("img_in.weight, expected it in the file, got none");
  }
}
