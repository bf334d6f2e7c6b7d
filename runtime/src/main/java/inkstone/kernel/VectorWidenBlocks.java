package inkstone.kernel;

import static inkstone.kernel.VectorBytes.keep;
import static inkstone.kernel.VectorBytes.load;
import static inkstone.kernel.VectorBytes.lower;
import static inkstone.kernel.VectorBytes.nonLinear;
import static inkstone.kernel.VectorBytes.upper;
import static inkstone.kernel.VectorMemory.store;
import static inkstone.kernel.VectorWiden.ofInts;
import static inkstone.kernel.VectorWiden.unsignedBytes;

import inkstone.number.GgufBlock;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Quantised blocks of 32 to F32, with the layouts and the roundings of {@link GgufBlock}: products
 * and sums are never fused. Numbers of less than a byte are first spread to bytes; the bytes wait
 * in the last quarter of the place of their own floats, where the float of a byte never covers a
 * byte that is still to be read. Both loops are small enough for C2. Blocks of 256 are in {@link
 * VectorWidenSuper}.
 */
final class VectorWidenBlocks {
  private static final int LANES = VectorShapes.LANES;
  private static final IntVector LANE = IntVector.zero(VectorShapes.INTS).addIndex(1);
  private static final IntVector SIXTEEN = IntVector.broadcast(VectorShapes.INTS, 16);
  private static final ByteVector EIGHT = VectorBytes.all(8);

  private VectorWidenBlocks() {}

  static void q8(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 34L * block;
      VectorBytes.scaled(to + 128L * block, at + 2, 32, Raw.half(at));
    }
  }

  static void q4(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 18L * block;
      long floats = to + 128L * block;
      ByteVector q = load(at + 2);
      keep(lower(q).sub(EIGHT), floats + 96);
      keep(upper(q).sub(EIGHT), floats + 112);
      VectorBytes.scaled(floats, floats + 96, 32, Raw.half(at));
    }
  }

  /** Q4_1. */
  static void q4m(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 20L * block;
      long floats = to + 128L * block;
      nibbles(floats + 96, at + 4);
      VectorBytes.affine(floats, floats + 96, 32, Raw.half(at), -Raw.half(at + 2));
    }
  }

  static void iq4nl(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 18L * block;
      long floats = to + 128L * block;
      ByteVector q = load(at + 2);
      keep(nonLinear(lower(q)), floats + 96);
      keep(nonLinear(upper(q)), floats + 112);
      VectorBytes.scaled(floats, floats + 96, 32, Raw.half(at));
    }
  }

  static void q5(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 22L * block;
      long floats = to + 128L * block;
      nibbles(floats + 96, at + 6);
      int fifths = Raw.getInt(at + 2);
      FloatVector s = FloatVector.broadcast(VectorShapes.FLOATS, Raw.half(at));
      for (int i = 0; i < 32; i += LANES) {
        IntVector q = unsignedBytes(floats + 96 + i).or(fifths(fifths, i));
        store(ofInts(q.sub(SIXTEEN)).mul(s), floats + 4L * i);
      }
    }
  }

  /** Q5_1. */
  static void q5m(long to, long from, int n) {
    for (int block = 0; block < n / 32; block++) {
      long at = from + 24L * block;
      long floats = to + 128L * block;
      nibbles(floats + 96, at + 8);
      int fifths = Raw.getInt(at + 4);
      FloatVector s = FloatVector.broadcast(VectorShapes.FLOATS, Raw.half(at));
      FloatVector m = FloatVector.broadcast(VectorShapes.FLOATS, Raw.half(at + 2));
      for (int i = 0; i < 32; i += LANES) {
        IntVector q = unsignedBytes(floats + 96 + i).or(fifths(fifths, i));
        store(ofInts(q).mul(s).add(m), floats + 4L * i);
      }
    }
  }

  /** 16 bytes to 32, a number of four bits each. */
  private static void nibbles(long to, long from) {
    ByteVector q = load(from);
    keep(lower(q), to);
    keep(upper(q), to + 16);
  }

  /** Of 32 fifth bits those from {@code i} on: bit i + lane goes to bit 4. */
  private static IntVector fifths(int fifths, int i) {
    return IntVector.broadcast(VectorShapes.INTS, Integer.rotateRight(fifths, i - 4))
        .lanewise(VectorOperators.LSHR, LANE)
        .and(SIXTEEN);
  }
}
