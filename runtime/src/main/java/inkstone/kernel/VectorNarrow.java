package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;

import inkstone.memory.AddressSpace;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/** Floats to 16 bits, in integer arithmetic on their bits. */
final class VectorNarrow {
  private static final int LANES = VectorShapes.LANES;

  private static final int MAGNITUDE = 0x7fffffff;
  private static final int INFINITY = 0x7f800000;
  private static final int BF16_QUIET = 0x40;

  private static final int HALF_REBIAS = 127 - 15 << 23;
  private static final int HALF_NORMAL = 127 - 14 << 23;
  private static final int HALF_INFINITY = 0x7c00;
  private static final int HALF_QUIET = 0x7e00;

  /** Its ulp is float16's smallest number: adding it rounds to a subnormal number's place. */
  private static final float HALF_ROUNDER = 0.5f;

  private static final int HALF_ROUNDER_BITS = Float.floatToRawIntBits(HALF_ROUNDER);

  private VectorNarrow() {}

  /** As {@link Kernels#narrowToBf16}. */
  static void bf16(long out, long x, long n) {
    long whole = VectorMemory.whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(toBf16(load(x + 4 * i).reinterpretAsInts()), out + 2 * i);
    }
    ScalarNarrow.bf16(out, x, whole, n);
  }

  /** As {@link Kernels#narrowToF16}. */
  static void f16(long out, long x, long n) {
    long whole = VectorMemory.whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(toHalf(load(x + 4 * i).reinterpretAsInts()), out + 2 * i);
    }
    ScalarNarrow.f16(out, x, whole, n);
  }

  /** Results stand in the lower half of each lane. */
  private static IntVector toBf16(IntVector bits) {
    IntVector upper = bits.lanewise(VectorOperators.LSHR, 16);
    IntVector rounded = bits.add(upper.and(1)).add(0x7fff).lanewise(VectorOperators.LSHR, 16);
    return rounded.blend(
        upper.or(BF16_QUIET), bits.and(MAGNITUDE).compare(VectorOperators.GT, INFINITY));
  }

  /** Results stand in the lower half of each lane. */
  private static IntVector toHalf(IntVector bits) {
    IntVector magnitude = bits.and(MAGNITUDE);
    IntVector upper = magnitude.lanewise(VectorOperators.LSHR, 13);
    // A carry out of the fraction goes to the exponent, as it should, up to infinity.
    IntVector normal =
        magnitude
            .add(upper.and(1))
            .add(0xfff - HALF_REBIAS)
            .lanewise(VectorOperators.LSHR, 13)
            .min(HALF_INFINITY);
    FloatVector small = magnitude.reinterpretAsFloats().add(HALF_ROUNDER);
    IntVector half =
        normal
            .blend(
                small.reinterpretAsInts().sub(HALF_ROUNDER_BITS),
                magnitude.compare(VectorOperators.LT, HALF_NORMAL))
            .blend(
                upper.and(0x1ff).or(HALF_QUIET), magnitude.compare(VectorOperators.GT, INFINITY));
    return half.or(bits.lanewise(VectorOperators.LSHR, 16).and(0x8000));
  }

  private static void store(IntVector values, long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 2L * LANES);
    }
    ((ShortVector) values.convertShape(VectorOperators.I2S, VectorShapes.HALVES, 0))
        .intoMemorySegment(AddressSpace.ALL, address, ByteOrder.LITTLE_ENDIAN);
  }
}
