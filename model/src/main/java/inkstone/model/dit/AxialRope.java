package inkstone.model.dit;

import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.List;

/**
 * Rotary position angles over three axes (image slot, row, column): {@code QwenEmbedRope} of
 * diffusers' {@code transformer_qwenimage.py} with {@code scale_rope=True}.
 *
 * <p>The target is slot 0, the references are slots 1, 2, …; rows and columns are centred, the
 * negative half having {@code n - n/2} positions. A text token has one position on all three axes;
 * the first follows the largest half side of any image. Angles are float32 products as in the
 * reference; their cosine and sine are exact to half an ulp.
 *
 * <p>It only makes tables. Applying them is {@code ops.Rope}'s work.
 */
final class AxialRope {
  /** Positions from −4096 to 4095 exist in the reference's table. */
  static final int MAX_POSITION = 4096;

  private static final double THETA = 10_000;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final float[][] frequencies; // [axis][axisDim / 2]
  private final int pairs; // headDim / 2

  /**
   * @param axesDims head channels of each axis, even; their sum is the head size
   */
  AxialRope(List<Integer> axesDims) {
    frequencies = new float[axesDims.size()][];
    int sum = 0;
    for (int axis = 0; axis < frequencies.length; axis++) {
      frequencies[axis] = frequencies(axesDims.get(axis));
      sum += frequencies[axis].length;
    }
    pairs = sum;
  }

  /** {@code 1 / theta^(2i / dim)}, each operation rounded to float32. */
  private static float[] frequencies(int dim) {
    float[] frequencies = new float[dim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      frequencies[i] = 1f / (float) Math.pow(THETA, (double) ((float) (2 * i) / dim));
    }
    return frequencies;
  }

  /** Position of the first text token. */
  static int textStart(List<LatentGrid> images) {
    int start = 0;
    for (LatentGrid image : images) {
      start = Math.max(start, Math.max(image.height() / 2, image.width() / 2));
    }
    return start;
  }

  /** Refuses what would leave the reference's position table. */
  static void requireInTable(long textTokens, List<LatentGrid> images) {
    if (images.size() > MAX_POSITION) {
      throw new IllegalArgumentException(
          "AxialRope: image count, expected at most "
              + MAX_POSITION
              + ", got "
              + images.size()
              + "; use fewer references");
    }
    long end = textStart(images) + textTokens;
    if (end > MAX_POSITION) {
      throw new IllegalArgumentException(
          "AxialRope: last text position, expected below "
              + MAX_POSITION
              + ", got "
              + (end - 1)
              + " ("
              + textTokens
              + " text tokens after the largest image); shorten the prompt or use smaller images");
    }
  }

  /**
   * Fills both tables for the sequence [text, target, reference 1, …].
   *
   * @param cos {@code [textTokens + sum of image tokens, headDim / 2]}, F32
   * @param sin the same shape
   */
  void fill(Tensor cos, Tensor sin, int textTokens, List<LatentGrid> images) {
    requireInTable(textTokens, images);
    fill(cos, textTokens, images, Math::cos);
    fill(sin, textTokens, images, Math::sin);
  }

  private interface Angle {
    double of(double radians);
  }

  private void fill(Tensor table, int textTokens, List<LatentGrid> images, Angle angle) {
    MemorySegment out = table.segment();
    int start = textStart(images);
    long row = 0;
    for (int token = 0; token < textTokens; token++, row++) {
      for (int axis = 0, at = 0; axis < frequencies.length; axis++) {
        float[] values = values(axis, start + token, angle);
        put(out, row, at, values);
        at += values.length;
      }
    }
    int rowAt = frequencies[0].length;
    int columnAt = rowAt + frequencies[1].length;
    for (int slot = 0; slot < images.size(); slot++) {
      LatentGrid image = images.get(slot);
      float[] slotValues = values(0, slot, angle);
      float[][] columns = new float[image.width()][];
      for (int x = 0; x < columns.length; x++) {
        columns[x] = values(2, centred(x, image.width()), angle);
      }
      for (int y = 0; y < image.height(); y++) {
        float[] rowValues = values(1, centred(y, image.height()), angle);
        for (int x = 0; x < image.width(); x++, row++) {
          put(out, row, 0, slotValues);
          put(out, row, rowAt, rowValues);
          put(out, row, columnAt, columns[x]);
        }
      }
    }
  }

  /** Positions −(n − n/2) … n/2 − 1. */
  private static int centred(int index, int size) {
    return index - (size - size / 2);
  }

  private float[] values(int axis, int position, Angle angle) {
    float[] values = new float[frequencies[axis].length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) angle.of(position * frequencies[axis][i]);
    }
    return values;
  }

  private void put(MemorySegment out, long row, int at, float[] values) {
    MemorySegment.copy(values, 0, out, FLOAT, (row * pairs + at) * Float.BYTES, values.length);
  }
}
