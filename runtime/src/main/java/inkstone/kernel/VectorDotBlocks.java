package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.spread;
import static inkstone.kernel.VectorMemory.store;
import static inkstone.kernel.VectorWiden.ofInts;
import static inkstone.kernel.VectorWiden.signedBytes;
import static inkstone.kernel.VectorWiden.unsignedBytes;

import inkstone.number.GgufBlock;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Dot products of a row of floats with a row of quantised weights, with the layouts of {@link
 * GgufBlock}: small integers times x first, then their sum times the scale of the group. What all
 * integers of a group have in common (the minimum of Q4_K, the -32 of Q6_K) meets the sum of x over
 * the group, which {@link #groupSums} computes once a call.
 */
final class VectorDotBlocks {
  private static final int LANES = VectorShapes.LANES;

  /** Numbers that a super-block has beside its weights: scales, and minima where there are any. */
  private static final int FACTORS = 16;

  private VectorDotBlocks() {}

  /** Bytes of {@link #factors} or {@link #groupSums} of a row. */
  static long factorBytes(int k) {
    return 4L * FACTORS * (k / 256);
  }

  /** Whether the type has {@link #factors}. */
  static boolean hasFactors(ElementType type) {
    return type == ElementType.Q4_K || type == ElementType.Q6_K;
  }

  /**
   * What each number of {@link #factors} is multiplied with, besides its use as a scale: minus the
   * sum of x over the group for a minimum, -32 times that sum for a scale of Q6_K.
   */
  static void groupSums(ElementType type, long to, long x, int k) {
    for (int block = 0; block < k / 256; block++) {
      for (int i = 0; i < FACTORS; i++) {
        boolean minima = type == ElementType.Q4_K;
        int length = minima ? 32 : 16;
        int group = minima ? i - 8 : i;
        double sum = 0;
        for (int j = 0; group >= 0 && j < length; j++) {
          sum += Raw.get(x, 256L * block + (long) length * group + j);
        }
        Raw.set(to, (long) FACTORS * block + i, (float) (minima ? -sum : -32 * sum));
      }
    }
  }

  /**
   * Scales and minima of the super-blocks of a weight row, 16 floats each.
   *
   * @param scaled the same times the super-block's own scale
   * @param bytes scratch of 16 bytes a super-block
   */
  static void factors(ElementType type, long to, long scaled, long weight, int k, long bytes) {
    int blocks = k / 256;
    for (int block = 0; block < blocks; block++) {
      if (type == ElementType.Q4_K) {
        long at = weight + 144L * block;
        Raw.setLong(bytes + 16L * block, VectorWidenSuper.scales(at));
        Raw.setLong(bytes + 16L * block + 8, VectorWidenSuper.minima(at));
      } else {
        long at = weight + 210L * block + 192;
        Raw.setLong(bytes + 16L * block, Raw.getLong(at));
        Raw.setLong(bytes + 16L * block + 8, Raw.getLong(at + 8));
      }
    }
    long at = weight + (type == ElementType.Q4_K ? 0 : 208);
    for (int block = 0; block < blocks; block++) {
      FloatVector scale = VectorMath.spread(Raw.half(at + (long) type.blockBytes() * block));
      for (int i = FACTORS * block; i < FACTORS * block + FACTORS; i += LANES) {
        FloatVector factors = ofInts(signedBytes(bytes + i));
        store(factors, to + 4L * i);
        store(factors.mul(scale), scaled + 4L * i);
      }
    }
  }

  /** Adds to {@code sums} what the groups' sums contribute. */
  static void minima(
      ElementType type, long sums, long groupSums, long weight, long factors, int k) {
    FloatVector s = load(sums);
    long at = weight + (type == ElementType.Q4_K ? 2 : 208);
    for (int block = 0; block < k / 256; block++) {
      FloatVector scale = VectorMath.spread(Raw.half(at + (long) type.blockBytes() * block));
      for (int i = 0; i < FACTORS; i += LANES) {
        long from = 4L * (FACTORS * block + i);
        s = load(factors + from).mul(load(groupSums + from)).fma(scale, s);
      }
    }
    store(s, sums);
  }

  static void q8(long sums, long x, long weight, int k) {
    FloatVector s = load(sums);
    for (int block = 0; block < k / 32; block++) {
      long at = weight + 34L * block;
      long xs = x + 128L * block;
      FloatVector sum = ofInts(signedBytes(at + 2)).mul(load(xs));
      for (int i = LANES; i < 32; i += LANES) {
        sum = ofInts(signedBytes(at + 2 + i)).fma(load(xs + 4L * i), sum);
      }
      s = sum.fma(VectorMath.spread(Raw.half(at)), s);
    }
    store(s, sums);
  }

  /** A vector of bytes at a time, the nibbles of two groups; {@code i} counts bytes. */
  static void q4k(long sums, long x, long weight, long scaled, int k) {
    FloatVector even = load(sums);
    FloatVector odd = FloatVector.zero(VectorShapes.FLOATS);
    for (int i = 0; i < k / 2; i += LANES) {
      long xs = x + 4L * (64 * (i >> 5) + (i & 31));
      long scale = scaled + 64L * (i >> 7) + 8 * (i >> 5 & 3);
      IntVector bytes = unsignedBytes(weight + 144L * (i >> 7) + 16 + (i & 127));
      FloatVector low = ofInts(bytes.and(15)).mul(load(xs));
      FloatVector high = ofInts(bytes.lanewise(VectorOperators.LSHR, 4)).mul(load(xs + 128));
      even = low.fma(spread(scale), even);
      odd = high.fma(spread(scale + 4), odd);
    }
    store(even.add(odd), sums);
  }

  /**
   * 16 bytes at a time, the nibbles of two groups, of every other 32 bytes: {@code side} 0 or 1.
   * All four groups of a step in one loop exceed C2's inlining budget.
   */
  static void q6k(long sums, long x, long weight, long scaled, int k, int side) {
    FloatVector low = load(sums);
    FloatVector high = FloatVector.zero(VectorShapes.FLOATS);
    for (int unit = 0; unit < k / 64; unit++) {
      int half = unit >> 1 & 1;
      int from = 16 * (unit & 1);
      long block = weight + 210L * (unit >> 2);
      long q = block + 64 * half + 32 * side + from;
      long h = block + 128 + 32 * half + from;
      long xs = x + 512L * (unit >> 1) + 128L * side + 4L * from;
      long scale = scaled + 64L * (unit >> 2) + 32L * half + 4L * (unit & 1) + 8L * side;
      for (int i = 0; i < 16; i += LANES) {
        IntVector nibbles = unsignedBytes(q + i);
        IntVector upper = unsignedBytes(h + i).lanewise(VectorOperators.LSHR, 2 * side);
        IntVector first = nibbles.and(15).or(upper.lanewise(VectorOperators.LSHL, 4).and(48));
        low = ofInts(first).mul(load(xs + 4L * i)).fma(spread(scale), low);
        IntVector second = nibbles.lanewise(VectorOperators.LSHR, 4).or(upper.and(48));
        high = ofInts(second).mul(load(xs + 256 + 4L * i)).fma(spread(scale + 16), high);
      }
    }
    store(low.add(high), sums);
  }
}
