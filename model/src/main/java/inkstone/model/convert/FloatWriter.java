package inkstone.model.convert;

import inkstone.number.BFloat16;
import inkstone.number.GgufQuantizer;
import inkstone.tensor.DType;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/** Floats in the bytes of a type; keeps scratch, so one a thread. */
final class FloatWriter {
  private final DType type;
  private final GgufQuantizer quantizer;

  FloatWriter(DType type) {
    this.type = type;
    this.quantizer =
        switch (type) {
          case Q8_0 -> GgufQuantizer.q8();
          case Q4_0 -> GgufQuantizer.q4();
          case Q4_1 -> GgufQuantizer.q4m();
          case Q5_0 -> GgufQuantizer.q5();
          case Q5_1 -> GgufQuantizer.q5m();
          case Q4_K -> GgufQuantizer.q4k();
          case Q5_K -> GgufQuantizer.q5k();
          case Q6_K -> GgufQuantizer.q6k();
          default -> null;
        };
  }

  /**
   * The first {@code n} floats, rounded to nearest even where they are not quantised.
   *
   * @throws ArithmeticException when a number is not finite, or becomes so in this type
   */
  void write(float[] x, int n, byte[] out) {
    if (quantizer != null) {
      quantizer.quantize(x, 0, out, 0, n / quantizer.elements());
      return;
    }
    ByteBuffer bytes = ByteBuffer.wrap(out).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      float read;
      switch (type) {
        case F32 -> {
          read = x[i];
          bytes.putFloat(4 * i, x[i]);
        }
        case BF16 -> {
          short narrow = BFloat16.fromFloat(x[i]);
          read = BFloat16.toFloat(narrow);
          bytes.putShort(2 * i, narrow);
        }
        case F16 -> {
          short narrow = Float.floatToFloat16(x[i]);
          read = Float.float16ToFloat(narrow);
          bytes.putShort(2 * i, narrow);
        }
        default -> throw new IllegalArgumentException("FloatWriter: no writer of " + type);
      }
      if (!Float.isFinite(read)) {
        throw new ArithmeticException(
            Float.isFinite(x[i])
                ? x[i] + " exceeds " + TypeNames.of(type)
                : "expected finite numbers, got " + x[i]);
      }
    }
  }
}
