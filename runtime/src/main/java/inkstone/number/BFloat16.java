package inkstone.number;

/** bfloat16: the upper half of a float32. */
public final class BFloat16 {
  private BFloat16() {}

  /** Rounds to nearest, ties to even, as PyTorch does; NaN stays NaN. */
  public static short fromFloat(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /** Exact. */
  public static float toFloat(short value) {
    return Float.intBitsToFloat(value << 16);
  }
}
