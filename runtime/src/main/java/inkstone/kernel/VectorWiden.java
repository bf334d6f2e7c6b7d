package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;

import inkstone.memory.AddressSpace;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Stored numbers to F32. Quantised blocks are in {@link VectorWidenBlocks} and {@link
 * VectorWidenSuper}.
 */
final class VectorWiden {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ORDER);
  private static final int LANES = VectorShapes.LANES;

  // VectorDot uses these too.
  static final IntVector SIGN = ints(0x80000000);
  static final FloatVector TWO = floats(2);

  static final IntVector HALF_MAGNITUDE = ints(0x7fff << 13);
  static final IntVector HALF_REBIAS = ints(127 - 15 << 23);
  private static final IntVector HALF_NORMAL = ints(127 - 14 << 23);
  static final IntVector HALF_SPECIAL = ints(127 + 16 << 23);
  static final FloatVector HALF_SMALLEST = floats(-0x1p-14f);

  static final IntVector E4M3_MAGNITUDE = ints(0x7f << 20);
  static final IntVector E4M3_REBIAS = ints(127 - 7 << 23);
  private static final IntVector E4M3_NORMAL = ints(127 - 6 << 23);
  static final IntVector E4M3_NAN = ints((127 - 7 << 23) + (0x7f << 20));
  private static final IntVector NAN = ints(0x7fc00000);
  static final FloatVector E4M3_SMALLEST = floats(-0x1p-6f);

  /** Brings byte i of an int to the top of lane i; for vectors of four lanes. */
  private static final IntVector TO_TOP = IntVector.zero(VectorShapes.INTS).addIndex(-8).add(24);

  private VectorWiden() {}

  private static IntVector ints(int value) {
    return IntVector.broadcast(VectorShapes.INTS, value);
  }

  private static FloatVector floats(float value) {
    return FloatVector.broadcast(VectorShapes.FLOATS, value);
  }

  /**
   * As {@link Kernels#widen}. With its loops this method is longer than what C2 inlines (325 bytes
   * of bytecode), and so compiled by itself: inlined into the nest of loops that packs, vectors of
   * the longer types went to the heap. Their loops have methods of their own for the same reason.
   */
  static void widen(long to, long from, ElementType type, float scale, long n) {
    int whole = (int) VectorMemory.whole(n);
    switch (type) {
      case F32 -> {
        for (int i = 0; i < whole; i += LANES) {
          store(load(from + 4L * i), to + 4L * i);
        }
      }
      case BF16 -> {
        for (int i = 0; i < whole; i += LANES) {
          IntVector bits = halves(from + 2L * i).lanewise(VectorOperators.LSHL, 16);
          store(bits.reinterpretAsFloats(), to + 4L * i);
        }
      }
      case F16 -> f16(to, from, whole);
      case F8_E4M3 -> e4m3(to, from, whole);
      case F8_E5M2 -> e5m2(to, from, whole);
      case Q8_0 -> VectorWidenBlocks.q8(to, from, whole);
      case Q4_0 -> VectorWidenBlocks.q4(to, from, whole);
      case Q4_1 -> VectorWidenBlocks.q4m(to, from, whole);
      case Q5_0 -> VectorWidenBlocks.q5(to, from, whole);
      case Q5_1 -> VectorWidenBlocks.q5m(to, from, whole);
      case IQ4_NL -> VectorWidenBlocks.iq4nl(to, from, whole);
      case Q2_K -> VectorWidenSuper.q2k(to, from, whole);
      case Q3_K -> VectorWidenSuper.q3k(to, from, whole);
      case Q4_K -> VectorWidenSuper.q4k(to, from, whole);
      case Q5_K -> VectorWidenSuper.q5k(to, from, whole);
      case Q6_K -> VectorWidenSuper.q6k(to, from, whole);
      case IQ4_XS -> VectorWidenSuper.iq4xs(to, from, whole);
    }
    // Blocks are whole vectors and leave nothing.
    for (long i = whole; i < n; i++) {
      Raw.set(to, i, Raw.get(type, from, i));
    }
    if (scale != 1) {
      VectorElementwise.scale(to, to, scale, n);
    }
  }

  private static void f16(long to, long from, int n) {
    for (int i = 0; i < n; i += LANES) {
      store(ofHalf(halves(from + 2L * i)), to + 4L * i);
    }
  }

  private static void e4m3(long to, long from, int n) {
    for (int i = 0; i < n; i += LANES) {
      store(ofE4m3(signedBytes(from + i)), to + 4L * i);
    }
  }

  /** The upper half of a float16. */
  private static void e5m2(long to, long from, int n) {
    for (int i = 0; i < n; i += LANES) {
      store(ofHalf(signedBytes(from + i).lanewise(VectorOperators.LSHL, 8)), to + 4L * i);
    }
  }

  /**
   * Exponent and fraction move to their places in a float32, and the difference of the biases is
   * added. Where the exponent is 0 that gives (1 + fraction) times half of the smallest normal
   * number: twice that, less the smallest normal number, is the subnormal, without a subnormal
   * float32 on the way, which is slow.
   *
   * @param bits sign-extended
   */
  static FloatVector ofHalf(IntVector bits) {
    IntVector normal = bits.lanewise(VectorOperators.LSHL, 13).and(HALF_MAGNITUDE).add(HALF_REBIAS);
    IntVector small = normal.reinterpretAsFloats().fma(TWO, HALF_SMALLEST).reinterpretAsInts();
    IntVector special = normal.add(HALF_REBIAS);
    IntVector magnitude =
        normal
            .blend(small, normal.compare(VectorOperators.LT, HALF_NORMAL))
            .blend(special, normal.compare(VectorOperators.GE, HALF_SPECIAL));
    return magnitude.or(bits.and(SIGN)).reinterpretAsFloats();
  }

  /** As {@link #ofHalf}; the largest magnitude is NaN, and there is no infinity. */
  private static FloatVector ofE4m3(IntVector bits) {
    IntVector normal = bits.lanewise(VectorOperators.LSHL, 20).and(E4M3_MAGNITUDE).add(E4M3_REBIAS);
    IntVector small = normal.reinterpretAsFloats().fma(TWO, E4M3_SMALLEST).reinterpretAsInts();
    IntVector magnitude =
        normal
            .blend(small, normal.compare(VectorOperators.LT, E4M3_NORMAL))
            .blend(NAN, normal.compare(VectorOperators.EQ, E4M3_NAN));
    return magnitude.or(bits.and(SIGN)).reinterpretAsFloats();
  }

  /** Whole numbers as floats. */
  static FloatVector ofInts(IntVector numbers) {
    return (FloatVector) numbers.convert(VectorOperators.I2F, 0);
  }

  /** One signed 16-bit number a lane. */
  static IntVector halves(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 2L * LANES);
    }
    ShortVector halves =
        ShortVector.fromMemorySegment(VectorShapes.HALVES, AddressSpace.ALL, address, ORDER);
    return (IntVector) halves.convertShape(VectorOperators.S2I, VectorShapes.INTS, 0);
  }

  /** One signed byte a lane. */
  static IntVector signedBytes(long address) {
    if (LANES == 4) {
      return fourBytes(address).lanewise(VectorOperators.ASHR, 24);
    }
    return (IntVector) bytes(address).convertShape(VectorOperators.B2I, VectorShapes.INTS, 0);
  }

  /** One unsigned byte a lane. */
  static IntVector unsignedBytes(long address) {
    if (LANES == 4) {
      return fourBytes(address).lanewise(VectorOperators.LSHR, 24);
    }
    return (IntVector)
        bytes(address).convertShape(VectorOperators.ZERO_EXTEND_B2I, VectorShapes.INTS, 0);
  }

  /** The API has no vector of four bytes. */
  private static IntVector fourBytes(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 4);
    }
    return ints(AddressSpace.ALL.get(INT, address)).lanewise(VectorOperators.LSHL, TO_TOP);
  }

  private static ByteVector bytes(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, LANES);
    }
    return ByteVector.fromMemorySegment(VectorShapes.QUARTERS, AddressSpace.ALL, address, ORDER);
  }
}
