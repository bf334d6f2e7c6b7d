package inkstone.model.image;

import java.util.Arrays;

/**
 * Antialiased resampling of 8-bit pictures in fixed point, in two passes with 8-bit pixels between
 * them. {@link #lanczos} and {@link #bicubic} give the bytes of PIL's {@code Image.resize}; {@link
 * #torchBicubic} gives those of PyTorch's antialiased {@code interpolate} on uint8, which keeps
 * fewer bits of the weights and is what the vision processor runs. A pass that would not change its
 * side is skipped, as both do.
 *
 * <p>The horizontal pass comes first, except in PIL from version 13 on when the height shrinks by
 * more than twice as many pixels as the width; earlier versions differ there by a rounding.
 */
public final class Resize {
  private Resize() {}

  /** PIL's {@code resize((width, height), LANCZOS)}. */
  public static Image lanczos(Image image, int width, int height) {
    return resize("lanczos", image, width, height, ResampleFilter.LANCZOS, Arithmetic.PIL);
  }

  /** PIL's {@code resize((width, height), BICUBIC)}. */
  public static Image bicubic(Image image, int width, int height) {
    return resize("bicubic", image, width, height, ResampleFilter.BICUBIC, Arithmetic.PIL);
  }

  /** PyTorch's {@code interpolate(mode="bicubic", antialias=True)} on a uint8 tensor, CPU. */
  public static Image torchBicubic(Image image, int width, int height) {
    return resize("torchBicubic", image, width, height, ResampleFilter.BICUBIC, Arithmetic.TORCH);
  }

  private enum Arithmetic {
    PIL,
    TORCH;

    ResampleWeights weights(ResampleFilter filter, int sourceSize, int targetSize) {
      return this == PIL
          ? ResampleWeights.pil(filter, sourceSize, targetSize)
          : ResampleWeights.torch(filter, sourceSize, targetSize);
    }

    boolean verticalFirst(Image image, int width, int height) {
      return this == PIL
          && image.height() > height
          && (long) image.height() - height > 2 * ((long) image.width() - width);
    }
  }

  private static Image resize(
      String op, Image image, int width, int height, ResampleFilter filter, Arithmetic arithmetic) {
    if (width <= 0 || height <= 0 || 3L * width * height > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "Resize."
              + op
              + ": target size, expected both sides to be 1 or more and at most "
              + (Integer.MAX_VALUE - 8) / 3
              + " pixels, got "
              + width
              + "x"
              + height);
    }
    ResampleWeights across =
        width == image.width() ? null : arithmetic.weights(filter, image.width(), width);
    ResampleWeights down =
        height == image.height() ? null : arithmetic.weights(filter, image.height(), height);
    return arithmetic.verticalFirst(image, width, height)
        ? horizontal(vertical(image, height, down), width, across)
        : vertical(horizontal(image, width, across), height, down);
  }

  private static Image horizontal(Image image, int width, ResampleWeights w) {
    if (w == null) {
      return image;
    }
    Image result = Image.blank(width, image.height());
    byte[] in = image.rgb();
    byte[] out = result.rgb();
    int half = w.precision() == 0 ? 0 : 1 << (w.precision() - 1);
    int at = 0;
    for (int y = 0; y < image.height(); y++) {
      int row = y * image.width() * 3;
      for (int x = 0; x < width; x++) {
        int from = row + w.first()[x] * 3;
        int taps = x * w.taps();
        int r = half;
        int g = half;
        int b = half;
        for (int j = 0; j < w.count()[x]; j++) {
          int weight = w.weights()[taps + j];
          int p = from + j * 3;
          r += (in[p] & 0xff) * weight;
          g += (in[p + 1] & 0xff) * weight;
          b += (in[p + 2] & 0xff) * weight;
        }
        out[at++] = clip(r >> w.precision());
        out[at++] = clip(g >> w.precision());
        out[at++] = clip(b >> w.precision());
      }
    }
    return result;
  }

  private static Image vertical(Image image, int height, ResampleWeights w) {
    if (w == null) {
      return image;
    }
    Image result = Image.blank(image.width(), height);
    byte[] in = image.rgb();
    byte[] out = result.rgb();
    int stride = image.width() * 3;
    int half = w.precision() == 0 ? 0 : 1 << (w.precision() - 1);
    int[] sums = new int[stride];
    for (int y = 0; y < height; y++) {
      Arrays.fill(sums, half);
      for (int j = 0; j < w.count()[y]; j++) {
        int weight = w.weights()[y * w.taps() + j];
        int row = (w.first()[y] + j) * stride;
        for (int i = 0; i < stride; i++) {
          sums[i] += (in[row + i] & 0xff) * weight;
        }
      }
      int at = y * stride;
      for (int i = 0; i < stride; i++) {
        out[at + i] = clip(sums[i] >> w.precision());
      }
    }
    return result;
  }

  private static byte clip(int v) {
    return (byte) Math.clamp(v, 0, 255);
  }
}
