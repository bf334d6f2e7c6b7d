package inkstone.kernel;

import inkstone.number.BFloat16;

/** Floats to 16 bits in plain loops. */
final class ScalarNarrow {
  private ScalarNarrow() {}

  /** As {@link Kernels#narrowToBf16}, elements {@code [from, to)}. */
  static void bf16(long out, long x, long from, long to) {
    for (long i = from; i < to; i++) {
      Raw.setShort(out + 2 * i, BFloat16.fromFloat(Raw.get(x, i)));
    }
  }

  /** As {@link Kernels#narrowToF16}, elements {@code [from, to)}. */
  static void f16(long out, long x, long from, long to) {
    for (long i = from; i < to; i++) {
      Raw.setShort(out + 2 * i, half(Raw.get(x, i)));
    }
  }

  /** What the JDK makes of a NaN is its own choice, and differs between its implementations. */
  private static short half(float value) {
    if (!Float.isNaN(value)) {
      return Float.floatToFloat16(value);
    }
    int bits = Float.floatToRawIntBits(value);
    return (short) (bits >>> 16 & 0x8000 | 0x7e00 | bits >>> 13 & 0x1ff);
  }
}
