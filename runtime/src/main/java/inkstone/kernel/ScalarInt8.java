package inkstone.kernel;

/** Rows as signed bytes with a scale, in plain loops. */
final class ScalarInt8 {
  /** Largest magnitude of a stored byte. */
  private static final int STEPS = 127;

  /** The quotient of the largest float is rounded up, and 127 times that is infinite. */
  private static final float LARGEST_SCALE = Math.nextDown(Float.MAX_VALUE / STEPS);

  private ScalarInt8() {}

  /** As {@link Kernels#quantize}. */
  static void quantize(long out, long scales, long x, long rows, int channels) {
    for (long r = 0; r < rows; r++) {
      int max = 0;
      for (long i = r * channels; i < (r + 1) * channels; i++) {
        max = Math.max(max, Float.floatToRawIntBits(Raw.get(x, i)) & 0x7fffffff);
      }
      float scale = scale(max);
      Raw.set(scales, r, scale);
      quantize(out, x, scale, r * channels, (r + 1) * channels);
    }
  }

  /** Elements {@code [from, to)}, all of one row. */
  static void quantize(long out, long x, float scale, long from, long to) {
    for (long i = from; i < to; i++) {
      Raw.setByte(out + i, scale > 0 ? (byte) Math.rint(Raw.get(x, i) / scale) : 0);
    }
  }

  /**
   * Scale of a row.
   *
   * @param max the largest bits of its elements' magnitudes: those of NaN are above infinity's, and
   *     those above all others
   */
  static float scale(int max) {
    float magnitude = Float.intBitsToFloat(max);
    if (magnitude == 0) {
      return 0;
    }
    if (!Float.isFinite(magnitude)) {
      return Float.NaN;
    }
    return Math.clamp(magnitude / STEPS, Float.MIN_NORMAL, LARGEST_SCALE);
  }

  /** As {@link Kernels#dequantize}. */
  static void dequantize(long out, long x, long scales, long rows, int channels) {
    for (long r = 0; r < rows; r++) {
      dequantize(out, x, Raw.get(scales, r), r * channels, (r + 1) * channels);
    }
  }

  /** Elements {@code [from, to)}, all of one row. */
  static void dequantize(long out, long x, float scale, long from, long to) {
    for (long i = from; i < to; i++) {
      Raw.set(out, i, Raw.getByte(x + i) * scale);
    }
  }
}
