package inkstone.model.real;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Layers at the dimensions of the published models against diffusers and transformers in float32:
 * one transformer block, one decoder layer, a windowed and a full vision block, and the whole
 * autoencoder. Weights and inputs are made from their names, bit for bit as Python made them.
 * {@link RealDimensionsCheck} does the same at the sizes of a real run.
 */
class RealDimensionsParityTest {
  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16", "f8"})
  void transformerBlock(String type) throws CheckpointException {
    try (RealCase zero = RealCase.slice("dit_" + type + "_zero");
        RealCase plain = RealCase.slice("dit_" + type + "_plain");
        Compute compute = Compute.open(2);
        TensorArena arena = TensorArena.open("made weights")) {
      Weights weights = zero.weights(arena);
      RealRuns.dit(zero, compute, weights);
      RealRuns.dit(plain, compute, weights);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void decoderLayerAndVisionBlocks(String type) throws CheckpointException {
    try (RealCase golden = RealCase.slice("text_" + type);
        Compute compute = Compute.open(2);
        TensorArena arena = TensorArena.open("made weights")) {
      RealRuns.text(golden, compute, golden.weights(arena));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"f32", "bf16"})
  void autoencoder(String type) throws CheckpointException {
    try (RealCase golden = RealCase.slice("vae_" + type);
        Compute compute = Compute.open(2);
        TensorArena arena = TensorArena.open("made weights")) {
      RealRuns.vae(golden, compute, golden.weights(arena));
    }
  }

  /** All sizes but the number of layers and the vocabulary are the published ones. */
  @Test
  void dimensionsAreThePublishedOnes() throws CheckpointException {
    try (RealCase dit = RealCase.slice("dit_bf16_zero");
        RealCase text = RealCase.slice("text_bf16");
        RealCase vae = RealCase.slice("vae_bf16")) {
      TransformerConfig published = TransformerConfig.QWEN_IMAGE_EDIT_2511;
      TransformerConfig config = TransformerConfig.parse(dit.config(), dit.name());
      assertThat(config)
          .usingRecursiveComparison()
          .ignoringFields("numLayers")
          .isEqualTo(published);
      assertThat(TextEncoderConfig.parse(text.config(), text.name()))
          .usingRecursiveComparison()
          .ignoringFields(
              "text.vocabSize",
              "text.numHiddenLayers",
              "text.slidingLayers",
              "vision.depth",
              "vision.fullattBlockIndexes",
              "imageTokenId",
              "videoTokenId",
              "visionStartTokenId",
              "visionEndTokenId")
          .isEqualTo(TextEncoderConfig.QWEN_IMAGE);
      assertThat(VaeConfig.parse(vae.config(), vae.name())).isEqualTo(VaeConfig.QWEN_IMAGE);
    }
  }
}
