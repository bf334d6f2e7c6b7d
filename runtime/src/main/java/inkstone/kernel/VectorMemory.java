package inkstone.kernel;

import inkstone.memory.AddressSpace;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** Vector loads, stores and copies at raw addresses. */
final class VectorMemory {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
  private static final int BYTES = VectorShapes.BYTES;
  private static final int LANES = VectorShapes.LANES;

  private VectorMemory() {}

  static FloatVector load(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, BYTES);
    }
    return FloatVector.fromMemorySegment(VectorShapes.FLOATS, AddressSpace.ALL, address, ORDER);
  }

  static void store(FloatVector v, long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, BYTES);
    }
    v.intoMemorySegment(AddressSpace.ALL, address, ORDER);
  }

  /** The first lanes of {@code mask}, the others zero; only those lanes are touched. */
  static FloatVector load(long address, VectorMask<Float> mask) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 4L * mask.trueCount());
    }
    return FloatVector.fromMemorySegment(
        VectorShapes.FLOATS, AddressSpace.ALL, address, ORDER, mask);
  }

  static void store(FloatVector v, long address, VectorMask<Float> mask) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 4L * mask.trueCount());
    }
    v.intoMemorySegment(AddressSpace.ALL, address, ORDER, mask);
  }

  /** One float in every lane. */
  static FloatVector spread(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 4);
    }
    return FloatVector.broadcast(VectorShapes.FLOATS, AddressSpace.ALL.get(FLOAT, address));
  }

  /** A mask of the first {@code n} lanes. */
  static VectorMask<Float> first(long n) {
    return VectorShapes.FLOATS.indexInRange(0, n);
  }

  /** Where whole vectors end in {@code n} elements. */
  static long whole(long n) {
    return n & -LANES;
  }

  /** Copies {@code n} floats. */
  static void copy(long to, long from, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(load(from + 4 * i), to + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      store(load(from + 4 * whole, mask), to + 4 * whole, mask);
    }
  }

  /** Sets {@code n} floats to zero. */
  static void clear(long to, long n) {
    long whole = whole(n);
    FloatVector zero = FloatVector.zero(VectorShapes.FLOATS);
    for (long i = 0; i < whole; i += LANES) {
      store(zero, to + 4 * i);
    }
    if (whole < n) {
      store(zero, to + 4 * whole, first(n - whole));
    }
  }

  /** Widens {@code n} elements of {@code type} to F32; exact. */
  static void widen(long to, long from, ElementType type, long n) {
    switch (type) {
      case F32 -> copy(to, from, n);
      case BF16 -> widenBf16(to, from, n);
      case F16 -> widenF16(to, from, n);
    }
  }

  private static void widenBf16(long to, long from, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      IntVector bits = loadHalves(from + 2 * i);
      store(bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats(), to + 4 * i);
    }
    for (long i = whole; i < n; i++) {
      Raw.set(to, i, Raw.get(ElementType.BF16, from, i));
    }
  }

  /**
   * Exponent and fraction of a float16, moved to their places in a float32, are the value times
   * 2^-112; the multiplication is exact, also for subnormals.
   */
  private static void widenF16(long to, long from, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      IntVector bits = loadHalves(from + 2 * i);
      IntVector magnitude = bits.and(0x7fff).lanewise(VectorOperators.LSHL, 13);
      IntVector scaled = magnitude.reinterpretAsFloats().mul(0x1p112f).reinterpretAsInts();
      IntVector special = magnitude.or(0x7f800000);
      IntVector finite = scaled.blend(special, magnitude.compare(VectorOperators.GE, 0x7c00 << 13));
      IntVector sign = bits.and(0x8000).lanewise(VectorOperators.LSHL, 16);
      store(finite.or(sign).reinterpretAsFloats(), to + 4 * i);
    }
    for (long i = whole; i < n; i++) {
      Raw.set(to, i, Raw.get(ElementType.F16, from, i));
    }
  }

  private static IntVector loadHalves(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, BYTES / 2);
    }
    ShortVector halves =
        ShortVector.fromMemorySegment(VectorShapes.HALVES, AddressSpace.ALL, address, ORDER);
    return (IntVector) halves.convertShape(VectorOperators.S2I, VectorShapes.INTS, 0);
  }
}
