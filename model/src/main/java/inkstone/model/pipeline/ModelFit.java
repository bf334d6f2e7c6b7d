package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import java.nio.file.Path;

/** Refuses parts that are not of one model. */
final class ModelFit {
  private ModelFit() {}

  static void requireSameLatents(ModelParts parts) throws CheckpointException {
    VaeConfig vae = parts.vaeConfig();
    if (vae.inputChannels() != 3) {
      throw new CheckpointException(
          where(parts.vae())
              + ": input_channels is "
              + vae.inputChannels()
              + ", expected 3 (red, green, blue); models of layers with transparency are not"
              + " supported");
    }
    TransformerConfig transformer = parts.transformerConfig();
    int patch = transformer.patchSize();
    if (patch != 2
        || transformer.inChannels() != 4 * vae.zDim()
        || transformer.outChannels() != vae.zDim()) {
      throw new CheckpointException(
          where(parts.transformer())
              + ": patch_size "
              + patch
              + ", in_channels "
              + transformer.inChannels()
              + ", out_channels "
              + transformer.outChannels()
              + " do not fit the VAE, expected 2, "
              + 4 * vae.zDim()
              + ", "
              + vae.zDim()
              + "; take both from one model");
    }
  }

  static void requireSameText(ModelParts parts, TextEncoderConfig text) throws CheckpointException {
    if (parts.transformerConfig().jointAttentionDim() != text.text().hiddenSize()) {
      throw new CheckpointException(
          where(parts.transformer())
              + ": joint_attention_dim is "
              + parts.transformerConfig().jointAttentionDim()
              + ", expected the text encoder's hidden_size "
              + text.text().hiddenSize()
              + "; take both from one model");
    }
  }

  /** The file that a number is to be corrected in. */
  private static Path where(PartFile part) {
    Path config = PartConfig.file(part.path());
    return config == null ? part.path() : config;
  }
}
