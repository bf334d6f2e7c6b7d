package inkstone.kernel;

import static inkstone.kernel.VectorMemory.store;
import static inkstone.kernel.VectorWiden.ofInts;
import static inkstone.kernel.VectorWiden.signedBytes;
import static inkstone.kernel.VectorWiden.unsignedBytes;

import inkstone.memory.AddressSpace;
import inkstone.number.GgufBlock;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Quantised blocks to F32, with the layouts and the roundings of {@link GgufBlock}: products and
 * differences are never fused. Numbers of less than a byte are first spread to bytes, 16 at a time;
 * the bytes wait in the last quarter of the place of their own floats, where the float of a byte
 * never covers a byte that is still to be read. Both loops are small enough for C2.
 */
final class VectorWidenBlocks {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final int LANES = VectorShapes.LANES;
  private static final IntVector LANE = IntVector.zero(VectorShapes.INTS).addIndex(1);
  private static final IntVector SIXTEEN = IntVector.broadcast(VectorShapes.INTS, 16);
  private static final ByteVector LOW = bytes(15);
  private static final ByteVector BIT_4 = bytes(16);
  private static final ByteVector BITS_4_5 = bytes(48);
  private static final ByteVector EIGHT = bytes(8);
  private static final ByteVector THIRTY_TWO = bytes(32);

  private VectorWidenBlocks() {}

  static void q4(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 18L * block;
      long floats = to + 128L * block;
      ByteVector q = load(at + 2);
      keep(q.and(LOW).sub(EIGHT), floats + 96);
      keep(right(q, 4).and(LOW).sub(EIGHT), floats + 112);
      scaled(floats, floats + 96, 32, Raw.half(at));
    }
  }

  static void q5(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 22L * block;
      long floats = to + 128L * block;
      ByteVector q = load(at + 6);
      keep(q.and(LOW), floats + 96);
      keep(right(q, 4).and(LOW), floats + 112);
      fives(floats, floats + 96, Raw.getInt(at + 2), Raw.half(at));
    }
  }

  static void q4k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 144L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 128; i += 16) {
        ByteVector q = load(at + 16 + i);
        long bytes = floats + 768 + i / 32 * 64 + i % 32;
        keep(q.and(LOW), bytes);
        keep(right(q, 4).and(LOW), bytes + 32);
      }
      groups(floats, at);
    }
  }

  static void q5k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 176L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 128; i += 16) {
        ByteVector q = load(at + 48 + i);
        ByteVector fifths = right(load(at + 16 + i % 32), i / 32 * 2);
        long bytes = floats + 768 + i / 32 * 64 + i % 32;
        keep(q.and(LOW).or(left(fifths, 4).and(BIT_4)), bytes);
        keep(right(q, 4).and(LOW).or(left(fifths, 3).and(BIT_4)), bytes + 32);
      }
      groups(floats, at);
    }
  }

  static void q6k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 210L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 128; i += 16) {
        int half = i / 64;
        ByteVector q = load(at + i);
        ByteVector upper = right(load(at + 128 + 32 * half + i % 32), i / 32 % 2 * 2);
        long bytes = floats + 768 + 64 * half + i;
        keep(q.and(LOW).or(left(upper, 4).and(BITS_4_5)).sub(THIRTY_TWO), bytes);
        keep(right(q, 4).and(LOW).or(upper.and(BITS_4_5)).sub(THIRTY_TWO), bytes + 64);
      }
      float scale = Raw.half(at + 208);
      for (int g = 0; g < 16; g++) {
        scaled(floats + 64 * g, floats + 768 + 16 * g, 16, scale * Raw.getByte(at + 192 + g));
      }
    }
  }

  /** {@code n} signed bytes times {@code scale}. */
  private static void scaled(long to, long bytes, int n, float scale) {
    FloatVector s = FloatVector.broadcast(VectorShapes.FLOATS, scale);
    for (int i = 0; i < n; i += LANES) {
      store(ofInts(signedBytes(bytes + i)).mul(s), to + 4L * i);
    }
  }

  /** 32 numbers of four bits, with their fifth bits. */
  private static void fives(long to, long bytes, int fifths, float scale) {
    FloatVector s = FloatVector.broadcast(VectorShapes.FLOATS, scale);
    for (int i = 0; i < 32; i += LANES) {
      // Bit i + lane goes to bit 4.
      IntVector fifth =
          IntVector.broadcast(VectorShapes.INTS, Integer.rotateRight(fifths, i - 4))
              .lanewise(VectorOperators.LSHR, LANE)
              .and(SIXTEEN);
      store(ofInts(unsignedBytes(bytes + i).or(fifth).sub(SIXTEEN)).mul(s), to + 4L * i);
    }
  }

  /** The eight groups of a super-block with scales and minima. */
  private static void groups(long floats, long block) {
    float scale = Raw.half(block);
    float minimum = Raw.half(block + 2);
    long scales = scales(block);
    long minima = minima(block);
    for (int g = 0; g < 8; g++) {
      affine(
          floats + 128L * g,
          floats + 768 + 32L * g,
          scale * (scales >>> 8 * g & 63),
          minimum * (minima >>> 8 * g & 63));
    }
  }

  /** The eight 6-bit scales of a super-block of Q4_K or Q5_K, a byte each. */
  static long scales(long block) {
    return eight(Raw.getInt(block + 4), Raw.getInt(block + 12));
  }

  /** The eight 6-bit minima of a super-block of Q4_K or Q5_K, a byte each. */
  static long minima(long block) {
    return eight(Raw.getInt(block + 8), Raw.getInt(block + 12) >>> 4);
  }

  /** Eight 6-bit numbers, a byte each: four in one piece, four in two. */
  private static long eight(int first, int rest) {
    int last = rest & 0x0f0f0f0f | first >>> 2 & 0x30303030;
    return first & 0x3f3f3f3f | (long) last << 32;
  }

  /** 32 bytes times {@code scale}, less {@code minimum}. */
  private static void affine(long to, long bytes, float scale, float minimum) {
    FloatVector s = FloatVector.broadcast(VectorShapes.FLOATS, scale);
    FloatVector m = FloatVector.broadcast(VectorShapes.FLOATS, minimum);
    for (int i = 0; i < 32; i += LANES) {
      store(ofInts(unsignedBytes(bytes + i)).mul(s).sub(m), to + 4L * i);
    }
  }

  private static ByteVector bytes(int value) {
    return ByteVector.broadcast(VectorShapes.BYTES_16, (byte) value);
  }

  private static ByteVector load(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 16);
    }
    return ByteVector.fromMemorySegment(VectorShapes.BYTES_16, AddressSpace.ALL, address, ORDER);
  }

  private static void keep(ByteVector v, long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 16);
    }
    v.intoMemorySegment(AddressSpace.ALL, address, ORDER);
  }

  /** Shifts of the whole ints: the bits that cross a byte are masked away by the caller. */
  private static ByteVector right(ByteVector v, int by) {
    return v.reinterpretAsInts().lanewise(VectorOperators.LSHR, by).reinterpretAsBytes();
  }

  private static ByteVector left(ByteVector v, int by) {
    return v.reinterpretAsInts().lanewise(VectorOperators.LSHL, by).reinterpretAsBytes();
  }
}
