package inkstone.model.vae;

import inkstone.loader.config.VaeConfig;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;

/**
 * The mean and spread of each latent channel: the transformer works on normalised latents, the
 * autoencoder on plain ones. Works in place on F32 tensors whose last dimension is {@code z_dim}.
 */
public final class LatentStats {
  private final float[] mean;
  private final float[] std;
  private final float[] inverseStd;

  public LatentStats(VaeConfig config) {
    this.mean = perChannel("latents_mean", config.latentsMean(), config.zDim());
    this.std = perChannel("latents_std", config.latentsStd(), config.zDim());
    this.inverseStd = new float[std.length];
    for (int channel = 0; channel < std.length; channel++) {
      if (std[channel] == 0) {
        throw new IllegalArgumentException(
            "LatentStats: latents_std["
                + channel
                + "] is 0, expected a spread; correct vae/config.json");
      }
      inverseStd[channel] = 1.0f / std[channel];
    }
  }

  /** {@code (z - mean) / std} per channel, from the encoder's scale to the transformer's. */
  public void normalize(Tensor latents) {
    float[] row = row("normalize", latents);
    for (long at = 0; at < latents.elements(); at += row.length) {
      load(latents, at, row);
      for (int channel = 0; channel < row.length; channel++) {
        row[channel] = (row[channel] - mean[channel]) / std[channel];
      }
      store(latents, at, row);
    }
  }

  /**
   * {@code z / (1 / std) + mean} per channel, from the transformer's scale to the decoder's. The
   * reciprocal is rounded to F32 first, as the pipelines of diffusers do.
   */
  public void denormalize(Tensor latents) {
    float[] row = row("denormalize", latents);
    for (long at = 0; at < latents.elements(); at += row.length) {
      load(latents, at, row);
      for (int channel = 0; channel < row.length; channel++) {
        row[channel] = row[channel] / inverseStd[channel] + mean[channel];
      }
      store(latents, at, row);
    }
  }

  private float[] row(String operation, Tensor latents) {
    if (latents.dtype() != DType.F32
        || latents.rank() == 0
        || latents.dim(-1) != mean.length
        || latents.elements() == 0) {
      throw new IllegalArgumentException(
          "LatentStats."
              + operation
              + ": latents, expected F32 [.., "
              + mean.length
              + "], got "
              + latents
              + "; pass unpacked latents, channels last");
    }
    return new float[mean.length];
  }

  private static void load(Tensor latents, long at, float[] row) {
    MemorySegment.copy(
        latents.segment(), ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, row, 0, row.length);
  }

  private static void store(Tensor latents, long at, float[] row) {
    MemorySegment.copy(
        row, 0, latents.segment(), ValueLayout.JAVA_FLOAT_UNALIGNED, at * Float.BYTES, row.length);
  }

  private static float[] perChannel(String key, List<Float> values, int channels) {
    if (values.size() != channels) {
      throw new IllegalArgumentException(
          "LatentStats: "
              + key
              + ", expected "
              + channels
              + " values as z_dim, got "
              + values.size()
              + "; correct vae/config.json");
    }
    float[] array = new float[channels];
    for (int channel = 0; channel < channels; channel++) {
      array[channel] = values.get(channel);
      if (!Float.isFinite(array[channel])) {
        throw new IllegalArgumentException(
            "LatentStats: "
                + key
                + "["
                + channel
                + "] is "
                + array[channel]
                + ", expected a finite number; correct vae/config.json");
      }
    }
    return array;
  }
}
