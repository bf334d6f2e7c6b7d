package inkstone.model.convert;

import inkstone.number.BFloat16;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Runs of a tensor's elements as floats. */
final class FloatReader {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private FloatReader() {}

  /** Elements {@code [from, from + n)} into the start of {@code out}. */
  static void read(Tensor tensor, long from, int n, float[] out) {
    MemorySegment memory = tensor.segment();
    if (tensor.scale() != 1) {
      for (int i = 0; i < n; i++) {
        out[i] = tensor.getFloat(from + i);
      }
      return;
    }
    switch (tensor.dtype()) {
      case F32 -> MemorySegment.copy(memory, FLOAT, 4 * from, out, 0, n);
      case BF16 -> {
        for (int i = 0; i < n; i++) {
          out[i] = BFloat16.toFloat(memory.get(SHORT, 2 * (from + i)));
        }
      }
      case F16 -> {
        for (int i = 0; i < n; i++) {
          out[i] = Float.float16ToFloat(memory.get(SHORT, 2 * (from + i)));
        }
      }
      default -> {
        for (int i = 0; i < n; i++) {
          out[i] = tensor.getFloat(from + i);
        }
      }
    }
  }
}
