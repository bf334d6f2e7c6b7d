package inkstone.number;

/** Blocks of 32 with one scale, and for Q4_1 and Q5_1 a minimum: gguf-py's arithmetic. */
final class SimpleQuantizer extends GgufQuantizer {
  /** How the codes lie. */
  enum Layout {
    Q8_0(8, false),
    Q4_0(4, false),
    Q4_1(4, true),
    Q5_0(5, false),
    Q5_1(5, true);

    private final int bits;
    private final boolean minimum;

    Layout(int bits, boolean minimum) {
      this.bits = bits;
      this.minimum = minimum;
    }

    private int blockBytes() {
      return 2 + (minimum ? 2 : 0) + ELEMENTS * bits / 8;
    }
  }

  private static final int ELEMENTS = 32;

  private final Layout layout;
  private final int[] codes = new int[ELEMENTS];

  SimpleQuantizer(Layout layout) {
    super(ELEMENTS, layout.blockBytes());
    this.layout = layout;
  }

  @Override
  void quantizeBlock(float[] x, int from, float largest, byte[] out, int to) {
    if (layout == Layout.Q8_0) {
      signedBytes(x, from, largest, out, to);
    } else if (layout.minimum) {
      fromMinimum(x, from);
      putHalf(out, to, (maximum(x, from) - minimum(x, from)) / top());
      putHalf(out, to + 2, minimum(x, from));
      putCodes(out, to + 4);
    } else {
      putHalf(out, to, aroundZero(x, from, largest));
      putCodes(out, to + 2);
    }
  }

  private int top() {
    return (1 << layout.bits) - 1;
  }

  private static void signedBytes(float[] x, int from, float largest, byte[] out, int to) {
    float scale = largest / 127;
    float inverse = inverse(scale);
    putHalf(out, to, scale);
    for (int i = 0; i < ELEMENTS; i++) {
      float value = x[from + i] * inverse;
      // Halves away from zero. Adding 0.5 first would round 0.49999997 up.
      float magnitude = Math.abs(value);
      int whole = (int) magnitude;
      whole += (int) (2 * (magnitude - whole));
      out[to + 2 + i] = (byte) (value < 0 ? -whole : whole);
    }
  }

  /** Codes of a scale that maps the number of largest magnitude to the lowest code. */
  private float aroundZero(float[] x, int from, float largest) {
    int at = from;
    while (Math.abs(x[at]) != largest) {
      at++;
    }
    int middle = 1 << layout.bits - 1;
    float scale = x[at] / -middle;
    float inverse = inverse(scale);
    float shift = middle + 0.5f;
    for (int i = 0; i < ELEMENTS; i++) {
      codes[i] = Math.min(top(), (int) (x[from + i] * inverse + shift));
    }
    return scale;
  }

  private void fromMinimum(float[] x, int from) {
    float minimum = minimum(x, from);
    float inverse = inverse((maximum(x, from) - minimum) / top());
    for (int i = 0; i < ELEMENTS; i++) {
      codes[i] = Math.min(top(), (int) ((x[from + i] - minimum) * inverse + 0.5f));
    }
  }

  private static float minimum(float[] x, int from) {
    float minimum = x[from];
    for (int i = 1; i < ELEMENTS; i++) {
      minimum = Math.min(minimum, x[from + i]);
    }
    return minimum;
  }

  private static float maximum(float[] x, int from) {
    float maximum = x[from];
    for (int i = 1; i < ELEMENTS; i++) {
      maximum = Math.max(maximum, x[from + i]);
    }
    return maximum;
  }

  /** For five bits the fifth ones first, then nibbles: elements 0 to 15 are the lower ones. */
  private void putCodes(byte[] out, int to) {
    int nibbles = to;
    if (layout.bits == 5) {
      int fifths = 0;
      for (int i = 0; i < ELEMENTS; i++) {
        fifths |= (codes[i] >> 4) << i;
      }
      for (int i = 0; i < 4; i++) {
        out[to + i] = (byte) (fifths >> 8 * i);
      }
      nibbles += 4;
    }
    for (int i = 0; i < 16; i++) {
      out[nibbles + i] = (byte) (codes[i] & 15 | codes[i + 16] << 4);
    }
  }
}
