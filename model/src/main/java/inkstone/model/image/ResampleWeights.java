package inkstone.model.image;

/**
 * Fixed-point weights for one axis: output {@code i} is the sum over {@code j < count[i]} of {@code
 * weights[i * taps + j]} times source pixel {@code first[i] + j}, shifted right by {@code
 * precision} after half is added.
 */
@SuppressWarnings("ArrayRecordComponent")
record ResampleWeights(int taps, int[] first, int[] count, int[] weights, int precision) {
  /** Bits that PIL keeps: 32, less 8 of the pixel, less 2 against overflow ({@code Resample.c}). */
  private static final int PIL_PRECISION = 32 - 8 - 2;

  /** As PIL computes them for 8-bit pixels: 22 fractional bits. */
  static ResampleWeights pil(ResampleFilter filter, int sourceSize, int targetSize) {
    return build(filter, sourceSize, targetSize, false);
  }

  /**
   * As PyTorch computes them for 8-bit antialiased interpolation: 16-bit weights with as many
   * fractional bits as the largest weight allows, the same for the whole axis ({@code
   * UpSampleKernel.cpp}).
   */
  static ResampleWeights torch(ResampleFilter filter, int sourceSize, int targetSize) {
    return build(filter, sourceSize, targetSize, true);
  }

  private static ResampleWeights build(
      ResampleFilter filter, int sourceSize, int targetSize, boolean torch) {
    double scale = (double) sourceSize / targetSize;
    double filterScale = Math.max(scale, 1);
    double support = filter.support * filterScale;
    double inverse = 1 / filterScale;
    int taps = (int) Math.min(Math.ceil(support) * 2 + 1, sourceSize);
    int[] first = new int[targetSize];
    int[] count = new int[targetSize];
    double[] exact = new double[Math.multiplyExact(targetSize, taps)];
    double largest = 0;
    for (int i = 0; i < targetSize; i++) {
      double center = scale * (i + 0.5);
      int from = Math.max((int) (center - support + 0.5), 0);
      int to = Math.min((int) (center + support + 0.5), sourceSize);
      int n = Math.clamp(to - from, 0, taps);
      double total = 0;
      for (int j = 0; j < n; j++) {
        double w = filter.weight((j + from - center + 0.5) * inverse);
        exact[i * taps + j] = w;
        total += w;
      }
      for (int j = 0; j < n && total != 0; j++) {
        exact[i * taps + j] /= total;
        largest = Math.max(largest, exact[i * taps + j]);
      }
      first[i] = from;
      count[i] = n;
    }
    int precision = torch ? sixteenBitPrecision(largest) : PIL_PRECISION;
    int[] weights = new int[exact.length];
    for (int i = 0; i < weights.length; i++) {
      double v = exact[i] * (1 << precision);
      weights[i] = (int) (v < 0 ? v - 0.5 : v + 0.5);
    }
    return new ResampleWeights(taps, first, count, weights, precision);
  }

  private static int sixteenBitPrecision(double largest) {
    int precision = 0;
    while (precision < PIL_PRECISION && (int) (0.5 + largest * (1 << (precision + 1))) < 1 << 15) {
      precision++;
    }
    return precision;
  }
}
