package inkstone.number;

/**
 * Q4_K and Q5_K: 256 elements in groups of 32, each with a scale and a minimum of six bits. For
 * each group several ranges are tried, the codes of each fitted by least squares that count large
 * numbers more (ggml's {@code make_qkx2_quants}; with equal weights pictures come out twice as far
 * off); then scales and minima are rounded to what can be stored, and the codes follow.
 */
final class ScaleMinQuantizer extends GgufQuantizer {
  private static final int GROUPS = 8;
  private static final int GROUP = 32;
  private static final int SIX_BITS = 63;

  /** Ranges tried: the highest code lies this many codes beyond the largest number, and below. */
  private static final int TRIES = 20;

  private static final float FIRST_TRY = -1;
  private static final float NEXT_TRY = 0.1f;

  private final int bits;
  private final int top;
  private final float[] scales = new float[GROUPS];
  private final float[] minima = new float[GROUPS];
  private final int[] tried = new int[GROUP];
  private final double[] weights = new double[GROUP];
  private final double[] weighted = new double[GROUP];

  // Weighted sums over a group, of the codes that are tried.
  private double codeSum;
  private double squareSum;
  private double productSum;
  private final int[] codes = new int[GROUPS * GROUP];

  ScaleMinQuantizer(int bits) {
    super(GROUPS * GROUP, 16 + GROUPS * GROUP / 8 * bits);
    this.bits = bits;
    this.top = (1 << bits) - 1;
  }

  @Override
  void quantizeBlock(float[] x, int from, float largest, byte[] out, int to) {
    float largestScale = 0;
    float largestMinimum = 0;
    for (int group = 0; group < GROUPS; group++) {
      fit(x, from + group * GROUP, group);
      largestScale = Math.max(largestScale, scales[group]);
      largestMinimum = Math.max(largestMinimum, minima[group]);
    }
    float scaleOfScales = putHalf(out, to, largestScale / SIX_BITS);
    float scaleOfMinima = putHalf(out, to + 2, largestMinimum / SIX_BITS);
    for (int i = 4; i < 16; i++) {
      out[to + i] = 0;
    }
    for (int group = 0; group < GROUPS; group++) {
      int scale = sixBits(scales[group], scaleOfScales);
      int minimum = sixBits(minima[group], scaleOfMinima);
      putSixBits(out, to + 4, group, scale, minimum);
      encode(x, from + group * GROUP, group, scaleOfScales * scale, scaleOfMinima * minimum);
    }
    putCodes(out, to + 16);
  }

  private static int sixBits(float value, float scale) {
    return scale == 0 ? 0 : Math.min(SIX_BITS, (int) (value / scale + 0.5f));
  }

  /** Finds {@code scales[group]} and {@code minima[group]}: x ≈ scale · code − minimum. */
  private void fit(float[] x, int from, int group) {
    float lowest = 0; // a minimum is stored without a sign, so a range holds 0
    float highest = x[from];
    for (int i = 0; i < GROUP; i++) {
      lowest = Math.min(lowest, x[from + i]);
      highest = Math.max(highest, x[from + i]);
    }
    scales[group] = 0;
    minima[group] = -lowest;
    float range = highest - lowest;
    if (inverse(range) == 0) {
      return;
    }
    weigh(x, from);
    double weight = sum(weights);
    double sum = sum(weighted);
    double most = Double.NEGATIVE_INFINITY;
    for (int t = 0; t <= TRIES; t++) {
      tryCodes(x, from, lowest, (top + FIRST_TRY + NEXT_TRY * t) / range);
      if (squareSum == 0) {
        continue;
      }
      double scale = productSum / squareSum;
      double minimum = 0;
      // What the fit takes off the weighted sum of squares of x: the more, the smaller the error.
      double gain = scale * productSum;
      double determinant = weight * squareSum - codeSum * codeSum;
      if (determinant > 0) {
        double freeScale = (weight * productSum - sum * codeSum) / determinant;
        double freeMinimum = (squareSum * sum - codeSum * productSum) / determinant;
        if (freeMinimum <= 0) {
          scale = freeScale;
          minimum = freeMinimum;
          gain = scale * productSum + minimum * sum;
        }
      }
      if (gain > most && scale > 0) {
        most = gain;
        scales[group] = (float) scale;
        minima[group] = (float) -minimum;
      }
    }
  }

  /** A number's weight is its magnitude and the root mean square of its group. */
  private void weigh(float[] x, int from) {
    double squares = 0;
    for (int i = 0; i < GROUP; i++) {
      squares += (double) x[from + i] * x[from + i];
    }
    double usual = Math.sqrt(squares / GROUP);
    for (int i = 0; i < GROUP; i++) {
      weights[i] = usual + Math.abs(x[from + i]);
      weighted[i] = weights[i] * x[from + i];
    }
  }

  private static double sum(double[] values) {
    double sum = 0;
    for (double value : values) {
      sum += value;
    }
    return sum;
  }

  /** Codes of one range, and their sums; two of each for speed. */
  private void tryCodes(float[] x, int from, float lowest, float inverse) {
    for (int i = 0; i < GROUP; i++) {
      tried[i] = Math.min(top, (int) ((x[from + i] - lowest) * inverse + 0.5f));
    }
    double ones = 0;
    double otherOnes = 0;
    double squares = 0;
    double otherSquares = 0;
    double products = 0;
    double otherProducts = 0;
    for (int i = 0; i < GROUP; i += 2) {
      double a = weights[i] * tried[i];
      double b = weights[i + 1] * tried[i + 1];
      ones += a;
      otherOnes += b;
      squares += a * tried[i];
      otherSquares += b * tried[i + 1];
      products += weighted[i] * tried[i];
      otherProducts += weighted[i + 1] * tried[i + 1];
    }
    codeSum = ones + otherOnes;
    squareSum = squares + otherSquares;
    productSum = products + otherProducts;
  }

  private void encode(float[] x, int from, int group, float scale, float minimum) {
    float inverse = scale == 0 ? 0 : inverse(scale);
    for (int i = 0; i < GROUP; i++) {
      float code = Math.max(0, (x[from + i] + minimum) * inverse + 0.5f);
      codes[group * GROUP + i] = Math.min(top, (int) code);
    }
  }

  /** Groups from 4 on lie in two pieces: {@link GgufBlock#q4k} reads them. */
  private static void putSixBits(byte[] out, int to, int group, int scale, int minimum) {
    if (group < 4) {
      out[to + group] |= (byte) scale;
      out[to + group + 4] |= (byte) minimum;
    } else {
      out[to + group + 4] = (byte) (scale & 15 | minimum << 4);
      out[to + group - 4] |= (byte) (scale >> 4 << 6);
      out[to + group] |= (byte) (minimum >> 4 << 6);
    }
  }

  private void putCodes(byte[] out, int to) {
    int nibbles = to;
    if (bits == 5) {
      for (int i = 0; i < GROUP; i++) {
        int fifths = 0;
        for (int group = 0; group < GROUPS; group++) {
          fifths |= codes[group * GROUP + i] >> 4 << group;
        }
        out[to + i] = (byte) fifths;
      }
      nibbles += GROUP;
    }
    for (int pair = 0; pair < GROUPS / 2; pair++) {
      for (int i = 0; i < GROUP; i++) {
        int low = codes[pair * 2 * GROUP + i];
        int high = codes[pair * 2 * GROUP + GROUP + i];
        out[nibbles + pair * GROUP + i] = (byte) (low & 15 | high << 4);
      }
    }
  }
}
