package inkstone.number;

/**
 * Q6_K: 256 elements in groups of 16, each with a signed scale of eight bits. For each group
 * several scales are tried, the codes of each fitted by least squares (ggml's {@code
 * make_qx_quants}, here with equal weights); then scales are rounded to what can be stored, and the
 * codes follow.
 */
final class ScaleQuantizer extends GgufQuantizer {
  private static final int GROUPS = 16;
  private static final int GROUP = 16;

  /** What is added to a code to make it unsigned. */
  private static final int MIDDLE = 32;

  private static final int TOP = 63;

  /** Scales tried on either side of the one that maps the largest number to the lowest code. */
  private static final int TRIES = 9;

  private static final float NEXT_TRY = 0.1f;

  private final float[] scales = new float[GROUPS];
  private final int[] tried = new int[GROUP];
  private final int[] codes = new int[GROUPS * GROUP];

  ScaleQuantizer() {
    super(GROUPS * GROUP, 210);
  }

  @Override
  void quantizeBlock(float[] x, int from, float largest, byte[] out, int to) {
    float widest = 0;
    for (int group = 0; group < GROUPS; group++) {
      scales[group] = fit(x, from + group * GROUP);
      widest = Math.abs(scales[group]) > Math.abs(widest) ? scales[group] : widest;
    }
    // The widest scale takes the one code whose negative is none.
    float scaleOfScales = putHalf(out, to + 208, widest / -128);
    for (int group = 0; group < GROUPS; group++) {
      int scale = 0;
      if (scaleOfScales != 0) {
        scale = Math.clamp((long) Math.rint(scales[group] / scaleOfScales), -128, 127);
      }
      out[to + 192 + group] = (byte) scale;
      encode(x, from + group * GROUP, scaleOfScales * scale, codes, group * GROUP);
    }
    putCodes(out, to);
  }

  private float fit(float[] x, int from) {
    int at = 0;
    for (int i = 1; i < GROUP; i++) {
      at = Math.abs(x[from + i]) > Math.abs(x[from + at]) ? i : at;
    }
    float widest = x[from + at];
    float inverse = inverse(widest);
    if (inverse == 0) {
      return 0;
    }
    double most = 0;
    double best = 0;
    for (int t = -TRIES; t <= TRIES; t++) {
      codesOf(x, from, -(MIDDLE + NEXT_TRY * t) * inverse, tried, 0);
      int squares = 0;
      for (int i = 0; i < GROUP; i++) {
        squares += (tried[i] - MIDDLE) * (tried[i] - MIDDLE);
      }
      double products = 0;
      double others = 0;
      for (int i = 0; i < GROUP; i += 2) {
        products += (double) x[from + i] * (tried[i] - MIDDLE);
        others += (double) x[from + i + 1] * (tried[i + 1] - MIDDLE);
      }
      products += others;
      // What the fit takes off the sum of squares of x: the more, the smaller the error.
      double gain = squares == 0 ? 0 : products * products / squares;
      if (gain > most) {
        most = gain;
        best = products / squares;
      }
    }
    return (float) best;
  }

  private static void encode(float[] x, int from, float scale, int[] codes, int to) {
    codesOf(x, from, scale == 0 ? 0 : inverse(scale), codes, to);
  }

  private static void codesOf(float[] x, int from, float inverse, int[] codes, int to) {
    for (int i = 0; i < GROUP; i++) {
      float code = Math.max(0, x[from + i] * inverse + (MIDDLE + 0.5f));
      codes[to + i] = Math.min(TOP, (int) code);
    }
  }

  /** Nibbles, 64 bytes for 128 elements, then pairs of upper bits, 32 bytes for as many. */
  private void putCodes(byte[] out, int to) {
    for (int half = 0; half < 2; half++) {
      for (int i = 0; i < 32; i++) {
        int at = half * 128 + i;
        int a = codes[at];
        int b = codes[at + 32];
        int c = codes[at + 64];
        int d = codes[at + 96];
        out[to + half * 64 + i] = (byte) (a & 15 | c << 4);
        out[to + half * 64 + 32 + i] = (byte) (b & 15 | d << 4);
        out[to + 128 + half * 32 + i] = (byte) (a >> 4 | b >> 4 << 2 | c >> 4 << 4 | d >> 4 << 6);
      }
    }
  }
}
