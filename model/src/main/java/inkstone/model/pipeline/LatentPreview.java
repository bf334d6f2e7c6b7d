package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.model.vae.Tiling;
import inkstone.tensor.Tensor;

/**
 * A linear guess of the colour of one latent pixel. The factors are measured on the model's own
 * decoder (one flat patch a channel, once an engine), so that any VAE has a preview and no table of
 * constants is needed.
 */
final class LatentPreview {
  /** Probe size in picture pixels: two tokens, so that the middle is away from the border. */
  private static final int PROBE_TOKENS = 2;

  private final LatentCodec codec;
  private float[][] factors;

  LatentPreview(LatentCodec codec) {
    this.codec = codec;
  }

  /** One pixel a latent pixel: tokens [h/2·w/2, 4·channels] of a width×height picture. */
  Image project(TensorArena arena, Tensor tokens, int width, int height, Taps taps) {
    if (factors == null) {
      factors = measure(arena, taps);
    }
    int channels = codec.channels();
    int tokensWide = width / codec.pixelsPerToken;
    int tokensHigh = height / codec.pixelsPerToken;
    float[] values = tokens.toFloatArray();
    byte[] rgb = new byte[Math.multiplyExact(3, 4 * tokensWide * tokensHigh)];
    for (int y = 0; y < 2 * tokensHigh; y++) {
      for (int x = 0; x < 2 * tokensWide; x++) {
        int token = y / 2 * tokensWide + x / 2;
        int corner = y % 2 * 2 + x % 2;
        for (int c = 0; c < 3; c++) {
          float colour = factors[channels][c];
          for (int k = 0; k < channels; k++) {
            colour += factors[k][c] * values[(token * channels + k) * 4 + corner];
          }
          int level = Math.round(Math.clamp(colour, 0f, 255f));
          rgb[(y * 2 * tokensWide + x) * 3 + c] = (byte) level;
        }
      }
    }
    return new Image(2 * tokensWide, 2 * tokensHigh, rgb);
  }

  /** Row k: change of the mean colour by one unit of channel k; last row: the colour of zero. */
  private float[][] measure(TensorArena arena, Taps taps) {
    int channels = codec.channels();
    float[][] measured = new float[channels + 1][];
    measured[channels] = probe(arena, 0, 0, taps);
    for (int k = 0; k < channels; k++) {
      float[] up = probe(arena, k, 1, taps);
      float[] down = probe(arena, k, -1, taps);
      measured[k] = new float[3];
      for (int c = 0; c < 3; c++) {
        measured[k][c] = (up[c] - down[c]) / 2;
      }
    }
    return measured;
  }

  private float[] probe(TensorArena arena, int channel, float value, Taps taps) {
    int tokens = PROBE_TOKENS * PROBE_TOKENS;
    int channels = codec.channels();
    int side = PROBE_TOKENS * codec.pixelsPerToken;
    try (TensorArena scratch = arena.child("probe")) {
      Tensor flat = Tensor.f32(scratch, "probe", tokens, 4L * channels);
      for (int token = 0; token < tokens; token++) {
        for (int corner = 0; corner < 4; corner++) {
          flat.setFloat((token * (long) channels + channel) * 4 + corner, value);
        }
      }
      Image picture = codec.decode(scratch, flat, side, side, Tiling.OFF, taps);
      float[] mean = new float[3];
      for (int i = 0; i < picture.rgb().length; i++) {
        mean[i % 3] += (picture.rgb()[i] & 0xff) / (float) (side * side);
      }
      return mean;
    }
  }
}
