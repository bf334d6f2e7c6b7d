package inkstone.number;

/**
 * The two 8-bit floats of OCP's OFP8 specification, as PyTorch's {@code float8_e4m3fn} and {@code
 * float8_e5m2}.
 */
public final class Float8 {
  private Float8() {}

  /** Exact; 0x7f and 0xff are NaN, there is no infinity. */
  public static float e4m3ToFloat(byte value) {
    int magnitude = value & 0x7f;
    int exponent = magnitude >> 3;
    int mantissa = magnitude & 7;
    float result;
    if (magnitude == 0x7f) {
      result = Float.NaN;
    } else if (exponent == 0) {
      result = mantissa * 0x1p-9f;
    } else {
      result = (8 + mantissa) * Math.scalb(1f, exponent - 10);
    }
    return value < 0 ? -result : result;
  }

  /** Exact; it is the upper half of a float16. */
  public static float e5m2ToFloat(byte value) {
    return Float.float16ToFloat((short) (value << 8));
  }
}
