package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;

import inkstone.memory.AddressSpace;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Rows as signed bytes with a scale. */
final class VectorInt8 {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
  private static final int LANES = VectorShapes.LANES;

  /**
   * Its ulp is 1 and its lowest bits are 0: a small number added to it is rounded to nearest even,
   * and the lowest byte of the sum's bits is that number, negative ones included.
   */
  private static final float ROUNDER = 0x1.8p23f;

  private VectorInt8() {}

  /** As {@link Kernels#quantize}. */
  static void quantize(long out, long scales, long x, long rows, int channels) {
    for (long r = 0; r < rows; r++) {
      long from = x + 4 * r * channels;
      float scale = ScalarInt8.scale(largest(from, channels));
      Raw.set(scales, r, scale);
      quantize(out + r * channels, from, scale, channels);
    }
  }

  /** Largest bits of a row's magnitudes; a maximum of integers has no order. */
  private static int largest(long x, int channels) {
    int whole = (int) VectorMemory.whole(channels);
    IntVector most = IntVector.zero(VectorShapes.INTS);
    for (int i = 0; i < whole; i += LANES) {
      most = most.max(load(x + 4L * i).reinterpretAsInts().and(Integer.MAX_VALUE));
    }
    int max = most.reduceLanes(VectorOperators.MAX);
    for (int i = whole; i < channels; i++) {
      max = Math.max(max, Float.floatToRawIntBits(Raw.get(x, i)) & Integer.MAX_VALUE);
    }
    return max;
  }

  private static void quantize(long out, long x, float scale, int channels) {
    int whole = scale > 0 ? (int) VectorMemory.whole(channels) : 0;
    for (int i = 0; i < whole; i += LANES) {
      FloatVector steps = load(x + 4L * i).div(scale).add(ROUNDER);
      store(steps.reinterpretAsInts(), out + i);
    }
    ScalarInt8.quantize(out, x, scale, whole, channels);
  }

  /** As {@link Kernels#dequantize}. */
  static void dequantize(long out, long x, long scales, long rows, int channels) {
    for (long r = 0; r < rows; r++) {
      dequantize(out + 4 * r * channels, x + r * channels, Raw.get(scales, r), channels);
    }
  }

  private static void dequantize(long out, long x, float scale, int channels) {
    int whole = (int) VectorMemory.whole(channels);
    for (int i = 0; i < whole; i += LANES) {
      FloatVector steps = VectorWiden.ofInts(VectorWiden.signedBytes(x + i));
      VectorMemory.store(steps.mul(scale), out + 4L * i);
    }
    ScalarInt8.dequantize(out, x, scale, whole, channels);
  }

  /** The lowest byte of each lane. */
  private static void store(IntVector values, long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, LANES);
    }
    ByteVector bytes =
        (ByteVector) values.convertShape(VectorOperators.I2B, VectorShapes.QUARTERS, 0);
    if (LANES == 4) { // the API has no vector of four bytes
      AddressSpace.ALL.set(INT, address, bytes.reinterpretAsInts().lane(0));
    } else {
      bytes.intoMemorySegment(AddressSpace.ALL, address, ORDER);
    }
  }
}
