package inkstone.loader;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.config.InkstoneConfig;
import inkstone.loader.config.ModelIndex;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TokenizerConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The embedded model as a whole: every config reads, every weight opens. */
class TinyModelTest {
  private static final Path MODEL = Golden.tinyModel();

  @Test
  void everyConfigReadsFromTheModelFolderAndFromItsOwn() throws Exception {
    for (Path folder : List.of(MODEL, MODEL.resolve("transformer"))) {
      TransformerConfig transformer = TransformerConfig.read(folder);
      assertThat(transformer.numLayers()).isEqualTo(6);
      assertThat(transformer.innerDim()).isEqualTo(256);
      assertThat(transformer.zeroCondT()).isTrue();
    }
    assertThat(ModelIndex.read(MODEL).components())
        .isEqualTo(ModelIndex.QWEN_IMAGE_EDIT_PLUS.components());
    assertThat(VaeConfig.read(MODEL).baseDim()).isEqualTo(16);
    assertThat(VaeConfig.read(MODEL).spatialCompression()).isEqualTo(8);
    TextEncoderConfig text = TextEncoderConfig.read(MODEL);
    assertThat(text.text().mropeSection()).containsExactly(4, 6, 6);
    assertThat(text.text().headDim()).isEqualTo(32);
    assertThat(text.vision().fullattBlockIndexes()).containsExactly(1);
    assertThat(text.tieWordEmbeddings()).isTrue();
    assertThat(text.imageTokenId()).isEqualTo(960);
    assertThat(SchedulerConfig.read(MODEL)).isEqualTo(SchedulerConfig.QWEN_IMAGE);
    assertThat(ProcessorConfig.read(MODEL)).isEqualTo(ProcessorConfig.QWEN_IMAGE);
    assertThat(TokenizerConfig.read(MODEL)).isEqualTo(TokenizerConfig.QWEN_IMAGE);
    assertThat(InkstoneConfig.read(MODEL)).isEqualTo(new InkstoneConfig(16_384, 9216));
  }

  @Test
  void everyWeightIsFiniteAndCounted() throws Exception {
    for (String component : List.of("transformer", "vae", "text_encoder")) {
      try (TensorArena arena = TensorArena.open(component)) {
        Weights weights = Weights.open(arena, MODEL.resolve(component));
        assertThat(weights.names()).hasSizeGreaterThan(30);
        for (String name : weights.names()) {
          Tensor tensor = weights.read(name);
          assertThat(tensor.elements()).isPositive();
          assertThat(tensor.getFloat(0)).isFinite();
          assertThat(tensor.getFloat(tensor.elements() - 1)).isFinite();
        }
        assertThat(weights.audit().unread()).isEmpty();
        assertThat(arena.allocatedBytes()).as("mapped, not copied").isZero();
      }
    }
  }

  @Test
  void tokenizerReadsAsJson() throws Exception {
    Json tokenizer = Json.read(MODEL.resolve("tokenizer/tokenizer.json"));
    assertThat(tokenizer.get("model").get("vocab").keys()).hasSizeGreaterThan(900);
    assertThat(tokenizer.get("model").get("type").asString()).isEqualTo("BPE");
  }

  @Test
  void aWeightIsReadAsTheReferenceReadsIt() throws Exception {
    try (TensorArena arena = TensorArena.open("vae")) {
      Weights weights = Weights.open(arena, MODEL.resolve("vae"));
      Tensor bias = weights.at("encoder").tensor("conv_in.bias", 16);
      // Values as Python's safetensors reads them.
      assertThat(bias.getFloat(0)).isEqualTo(-0.024780273f);
      assertThat(bias.getFloat(15)).isEqualTo(-0.06347656f);
    }
  }
}
