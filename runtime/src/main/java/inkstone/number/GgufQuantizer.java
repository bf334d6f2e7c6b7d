package inkstone.number;

/**
 * Writes float32 as one of GGUF's block types; {@link GgufBlock} reads it back. Q8_0, Q4_0, Q4_1,
 * Q5_0 and Q5_1 give the bytes of gguf-py's {@code quantize}. The K types, for which gguf-py has no
 * quantiser, search the scales that leave the least squared error, by the method of ggml-quants.c.
 *
 * <p>The same numbers always give the same bytes. An instance keeps scratch: one a thread.
 */
public abstract sealed class GgufQuantizer
    permits SimpleQuantizer, ScaleMinQuantizer, ScaleQuantizer {
  private static final int INFINITY_BITS = 0x7f80_0000;

  private final int elements;
  private final int bytes;

  GgufQuantizer(int elements, int bytes) {
    this.elements = elements;
    this.bytes = bytes;
  }

  /** Q8_0: 32 elements in 34 bytes. */
  public static GgufQuantizer q8() {
    return new SimpleQuantizer(SimpleQuantizer.Layout.Q8_0);
  }

  /** Q4_0: 32 elements in 18 bytes. */
  public static GgufQuantizer q4() {
    return new SimpleQuantizer(SimpleQuantizer.Layout.Q4_0);
  }

  /** Q4_1: 32 elements in 20 bytes. */
  public static GgufQuantizer q4m() {
    return new SimpleQuantizer(SimpleQuantizer.Layout.Q4_1);
  }

  /** Q5_0: 32 elements in 22 bytes. */
  public static GgufQuantizer q5() {
    return new SimpleQuantizer(SimpleQuantizer.Layout.Q5_0);
  }

  /** Q5_1: 32 elements in 24 bytes. */
  public static GgufQuantizer q5m() {
    return new SimpleQuantizer(SimpleQuantizer.Layout.Q5_1);
  }

  /** Q4_K: 256 elements in 144 bytes. */
  public static GgufQuantizer q4k() {
    return new ScaleMinQuantizer(4);
  }

  /** Q5_K: 256 elements in 176 bytes. */
  public static GgufQuantizer q5k() {
    return new ScaleMinQuantizer(5);
  }

  /** Q6_K: 256 elements in 210 bytes. */
  public static GgufQuantizer q6k() {
    return new ScaleQuantizer();
  }

  /** Elements of a block. */
  public final int elements() {
    return elements;
  }

  /** Bytes of a block. */
  public final int bytes() {
    return bytes;
  }

  /**
   * Quantises {@code blocks} blocks: floats from {@code x[from]} on, bytes to {@code out[to]} on.
   *
   * @throws ArithmeticException when a number is NaN or infinite, or so large that the float16
   *     scale of its block overflows; the message tells the number
   */
  public final void quantize(float[] x, int from, byte[] out, int to, int blocks) {
    for (int block = 0; block < blocks; block++) {
      int at = from + block * elements;
      float largest = largest(x, at, elements);
      if (!Float.isFinite(largest)) {
        throw new ArithmeticException("expected finite numbers, got NaN or infinity");
      }
      quantizeBlock(x, at, largest, out, to + block * bytes);
    }
  }

  /**
   * One block of finite numbers.
   *
   * @param largest the largest magnitude among them
   */
  abstract void quantizeBlock(float[] x, int from, float largest, byte[] out, int to);

  /**
   * The largest magnitude; infinite or NaN when one of the numbers is. Compares the bits, because
   * the compiler vectorises that.
   */
  static float largest(float[] x, int from, int n) {
    int most = 0;
    for (int i = 0; i < n; i++) {
      most = Math.max(most, Float.floatToRawIntBits(x[from + i]) & Integer.MAX_VALUE);
    }
    return most >= INFINITY_BITS ? Float.NaN : Float.intBitsToFloat(most);
  }

  /** Stores a scale as float16 and gives it back as it will be read. */
  static float putHalf(byte[] out, int to, float scale) {
    short half = Float.floatToFloat16(scale);
    float read = Float.float16ToFloat(half);
    if (!Float.isFinite(read)) {
      throw new ArithmeticException("a block's scale of " + scale + " exceeds float16");
    }
    out[to] = (byte) half;
    out[to + 1] = (byte) (half >> 8);
    return read;
  }

  /**
   * 1 / scale, or 0 where that overflows: then the scale is 0 in float16 too, and all that the
   * block stands for is 0.
   */
  static float inverse(float scale) {
    float inverse = 1 / scale;
    return Float.isFinite(inverse) ? inverse : 0;
  }
}
