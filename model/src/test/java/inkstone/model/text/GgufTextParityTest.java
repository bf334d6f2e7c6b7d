package inkstone.model.text;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.gguf.GgufConfigs;
import inkstone.loader.gguf.GgufFile;
import inkstone.loader.gguf.TextNames;
import inkstone.loader.gguf.TinyGguf;
import inkstone.loader.gguf.VisionNames;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The tiny text encoder and its vision tower from two GGUF files: the bits that they give from the
 * model's folder, which are held against transformers elsewhere.
 */
class GgufTextParityTest {
  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("test");
  private final Compute compute = Compute.open(2);

  @AfterEach
  void close() {
    compute.close();
    arena.close();
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void embeddingsHaveEqualBits(boolean f32) throws IOException {
    TextEncoderConfig config = TextEncoderConfig.read(Golden.tinyModel());
    Weights weights = Weights.open(arena, Golden.tinyModel().resolve("text_encoder"));
    VisionTower vision = new VisionTower(compute, config, weights);
    TextEncoder decoder = new TextEncoder(compute, config, weights);

    GgufFile text = GgufFile.open(arena, TinyGguf.text(folder.resolve("text.gguf"), f32));
    GgufFile mmproj = GgufFile.open(arena, TinyGguf.mmproj(folder.resolve("mmproj.gguf"), f32));
    TextEncoderConfig stored = GgufConfigs.textEncoder(text.typed(), text, mmproj.typed(), mmproj);
    Weights textWeights = TextNames.weights(text);
    Weights visionWeights = VisionNames.weights(arena, mmproj);
    VisionTower ggufVision = new VisionTower(compute, stored, visionWeights);
    TextEncoder ggufDecoder = new TextEncoder(compute, stored, textWeights);
    assertThat(textWeights.audit().unread()).isEmpty();
    assertThat(visionWeights.audit().unread()).isEmpty();

    try (Golden golden = Golden.open("text/plus_1_plate")) {
      int[] ids = golden.ints("input_ids");
      int[] grid = golden.ints("image_grid_thw");
      Tensor pixels = golden.tensor("pixel_values");
      Tensor features = vision.forward(arena, pixels, grid[1], grid[2], Taps.NONE);
      Tensor got = ggufVision.forward(arena, pixels, grid[1], grid[2], Taps.NONE);
      assertThat(bits(got)).isEqualTo(bits(features));
      List<ImageFeatures> images = List.of(new ImageFeatures(features, grid[1], grid[2]));
      Tensor hidden = decoder.forward(arena, ids, images, Taps.NONE);
      assertThat(bits(ggufDecoder.forward(arena, ids, images, Taps.NONE))).isEqualTo(bits(hidden));
    }
  }

  private static int[] bits(Tensor tensor) {
    float[] values = tensor.toFloatArray();
    int[] bits = new int[values.length];
    for (int i = 0; i < bits.length; i++) {
      assertThat(values[i]).isFinite();
      bits[i] = Float.floatToRawIntBits(values[i]);
    }
    return bits;
  }

  @Test
  void tokensAreThoseOfTheFolder() throws IOException {
    QwenTokenizer expected = QwenTokenizer.read(TokenizerGolden.tiny());
    QwenTokenizer tokenizer;
    try (TensorArena closing = TensorArena.open("closing")) {
      Path file = TinyGguf.text(folder.resolve("text.gguf"), true);
      tokenizer = QwenTokenizer.read(GgufFile.open(closing, file).typed());
    }
    assertThat(tokenizer.vocabSize()).isEqualTo(expected.vocabSize());
    for (TokenizerGolden.Row row : TokenizerGolden.read("tiny.jsonl.gz")) {
      if (row.text() != null) {
        assertThat(tokenizer.encode(row.text())).isEqualTo(row.idArray());
      }
      assertThat(tokenizer.decode(row.idArray())).isEqualTo(row.decoded());
    }
  }

  @Test
  void tokensOfThePublishedTokenizer() throws IOException {
    Path file = TokenizerGolden.writeGguf(folder.resolve("qwen.gguf"));
    QwenTokenizer tokenizer = QwenTokenizer.read(GgufFile.open(arena, file).typed());
    assertThat(tokenizer.vocabSize()).isEqualTo(151665);
    assertThat(tokenizer.id("<|image_pad|>")).isEqualTo(151655);
    List<TokenizerGolden.Row> rows = TokenizerGolden.read("qwen.jsonl.gz");
    assertThat(rows).hasSizeGreaterThanOrEqualTo(2000);
    for (TokenizerGolden.Row row : rows) {
      if (row.text() != null) {
        assertThat(tokenizer.encode(row.text())).isEqualTo(row.idArray());
      }
      assertThat(tokenizer.decode(row.idArray())).isEqualTo(row.decoded());
    }
  }
}
