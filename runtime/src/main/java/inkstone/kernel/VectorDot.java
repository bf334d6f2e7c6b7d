package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;
import static inkstone.kernel.VectorWiden.E4M3_MAGNITUDE;
import static inkstone.kernel.VectorWiden.E4M3_NAN;
import static inkstone.kernel.VectorWiden.E4M3_REBIAS;
import static inkstone.kernel.VectorWiden.E4M3_SMALLEST;
import static inkstone.kernel.VectorWiden.HALF_MAGNITUDE;
import static inkstone.kernel.VectorWiden.HALF_REBIAS;
import static inkstone.kernel.VectorWiden.HALF_SMALLEST;
import static inkstone.kernel.VectorWiden.HALF_SPECIAL;
import static inkstone.kernel.VectorWiden.SIGN;
import static inkstone.kernel.VectorWiden.TWO;
import static inkstone.kernel.VectorWiden.halves;
import static inkstone.kernel.VectorWiden.signedBytes;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Dot products of a row of floats with rows of weights in a floating-point type, unpacked in
 * registers and added to the partial sums at {@code sums}, lane by lane. One method a type, so that
 * each is small and C2 compiles it alone; {@code k} is a whole number of vectors.
 */
final class VectorDot {
  private static final int LANES = VectorShapes.LANES;
  private static final int BYTES = VectorShapes.BYTES;

  private VectorDot() {}

  static void f32(long sums, long x, long w0, long w1, long w2, long w3, int k) {
    FloatVector s0 = load(sums);
    FloatVector s1 = load(sums + BYTES);
    FloatVector s2 = load(sums + 2 * BYTES);
    FloatVector s3 = load(sums + 3 * BYTES);
    for (int i = 0; i < k; i += LANES) {
      FloatVector a = load(x + 4L * i);
      s0 = a.fma(load(w0 + 4L * i), s0);
      s1 = a.fma(load(w1 + 4L * i), s1);
      s2 = a.fma(load(w2 + 4L * i), s2);
      s3 = a.fma(load(w3 + 4L * i), s3);
    }
    store(s0, sums);
    store(s1, sums + BYTES);
    store(s2, sums + 2 * BYTES);
    store(s3, sums + 3 * BYTES);
  }

  static void bf16(long sums, long x, long w0, long w1, long w2, long w3, int k) {
    FloatVector s0 = load(sums);
    FloatVector s1 = load(sums + BYTES);
    FloatVector s2 = load(sums + 2 * BYTES);
    FloatVector s3 = load(sums + 3 * BYTES);
    for (int i = 0; i < k; i += LANES) {
      FloatVector a = load(x + 4L * i);
      s0 = a.fma(loadBf16(w0 + 2L * i), s0);
      s1 = a.fma(loadBf16(w1 + 2L * i), s1);
      s2 = a.fma(loadBf16(w2 + 2L * i), s2);
      s3 = a.fma(loadBf16(w3 + 2L * i), s3);
    }
    store(s0, sums);
    store(s1, sums + BYTES);
    store(s2, sums + 2 * BYTES);
    store(s3, sums + 3 * BYTES);
  }

  private static FloatVector loadBf16(long address) {
    return halves(address).lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /**
   * With exponent and fraction in their places and the biases' difference added, t is the number
   * where that is normal. Where it is not, 2 t - 2⁻¹⁴ is; the smaller of the two is the right one
   * everywhere. Both are positive, so that integers compare as they do. The largest t of the row
   * tells of infinities and NaN: such a row is computed again with care.
   */
  static void f16(long sums, long x, long weight, int k) {
    FloatVector s = load(sums);
    IntVector most = IntVector.zero(VectorShapes.INTS);
    for (int i = 0; i < k; i += LANES) {
      IntVector bits = halves(weight + 2L * i);
      IntVector t = bits.lanewise(VectorOperators.LSHL, 13).and(HALF_MAGNITUDE).add(HALF_REBIAS);
      most = most.max(t);
      IntVector small = t.reinterpretAsFloats().fma(TWO, HALF_SMALLEST).reinterpretAsInts();
      s = load(x + 4L * i).fma(t.min(small).or(bits.and(SIGN)).reinterpretAsFloats(), s);
    }
    if (most.compare(VectorOperators.GE, HALF_SPECIAL).anyTrue()) {
      f16Special(sums, x, weight, k);
    } else {
      store(s, sums);
    }
  }

  private static void f16Special(long sums, long x, long weight, int k) {
    FloatVector s = load(sums);
    for (int i = 0; i < k; i += LANES) {
      s = load(x + 4L * i).fma(VectorWiden.ofHalf(halves(weight + 2L * i)), s);
    }
    store(s, sums);
  }

  static void e5m2(long sums, long x, long weight, int k) {
    FloatVector s = load(sums);
    for (int i = 0; i < k; i += LANES) {
      // The upper half of a float16.
      IntVector half = signedBytes(weight + i).lanewise(VectorOperators.LSHL, 8);
      s = load(x + 4L * i).fma(VectorWiden.ofHalf(half), s);
    }
    store(s, sums);
  }

  /** As {@link #f16}. NaN is the largest magnitude, and there is no infinity. */
  static void e4m3(long sums, long x, long weight, int k) {
    FloatVector s = load(sums);
    IntVector most = IntVector.zero(VectorShapes.INTS);
    for (int i = 0; i < k; i += LANES) {
      IntVector bits = signedBytes(weight + i);
      IntVector t = bits.lanewise(VectorOperators.LSHL, 20).and(E4M3_MAGNITUDE).add(E4M3_REBIAS);
      most = most.max(t);
      IntVector small = t.reinterpretAsFloats().fma(TWO, E4M3_SMALLEST).reinterpretAsInts();
      s = load(x + 4L * i).fma(t.min(small).or(bits.and(SIGN)).reinterpretAsFloats(), s);
    }
    boolean nan = most.compare(VectorOperators.EQ, E4M3_NAN).anyTrue();
    store(nan ? VectorMath.spread(Float.NaN) : s, sums);
  }
}
