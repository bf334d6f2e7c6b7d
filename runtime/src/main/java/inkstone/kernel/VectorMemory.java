package inkstone.kernel;

import inkstone.memory.AddressSpace;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorSpecies;

/** Vector loads, stores and copies at raw addresses. */
final class VectorMemory {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ORDER);
  private static final int BYTES = VectorShapes.BYTES;
  private static final int LANES = VectorShapes.LANES;

  /** Of an address: tells C2 that it is small, which spares a range check in inner loops. */
  static final long ADDRESS = (1L << 56) - 1;

  /** At most eight lanes. */
  private static final VectorSpecies<Float> FEW =
      LANES >= 8 ? FloatVector.SPECIES_256 : FloatVector.SPECIES_128;

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

  /** Copies {@code n} floats, at most eight, into an array. */
  static void copyFew(float[] to, int at, long from, int n) {
    if (n < 8) {
      for (int i = 0; i < n; i++) {
        to[at + i] = Raw.get(from, i);
      }
      return;
    }
    if (AddressSpace.CHECKED) {
      AddressSpace.check(from, 32);
    }
    for (int i = 0; i < 8; i += FEW.length()) {
      FloatVector.fromMemorySegment(FEW, AddressSpace.ALL, from + 4L * i, ORDER)
          .intoArray(to, at + i);
    }
  }

  /** Copies {@code n} floats, at most eight, out of an array. */
  static void copyFew(long to, float[] from, int at, int n) {
    if (n < 8) {
      for (int i = 0; i < n; i++) {
        Raw.set(to, i, from[at + i]);
      }
      return;
    }
    if (AddressSpace.CHECKED) {
      AddressSpace.check(to, 32);
    }
    for (int i = 0; i < 8; i += FEW.length()) {
      FloatVector.fromArray(FEW, from, at + i)
          .intoMemorySegment(AddressSpace.ALL, to + 4L * i, ORDER);
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
}
