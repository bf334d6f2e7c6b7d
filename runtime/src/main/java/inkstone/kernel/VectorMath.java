package inkstone.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;

/**
 * Functions of vectors. Every lane computes the same operations whatever its place, so that a
 * number's result never depends on where it stands. The polynomials were fitted for this project
 * (reweighted least squares on Chebyshev nodes, in double). Constants are vectors, because each
 * broadcast takes a share of C2's inlining budget, and beyond it vectors live on the heap.
 */
final class VectorMath {
  private static final FloatVector LOG2_E = spread(1.442695f);

  /** Upper part of ln 2, short enough that its products with small integers are exact. */
  private static final FloatVector MINUS_LN2_HIGH = spread(-0.6933594f);

  private static final FloatVector MINUS_LN2_LOW = spread(0.00021219444f);

  /** Adding it rounds to an integer, which then stands in the low bits. */
  private static final FloatVector ROUNDER = spread(0x1.8p23f);

  private static final float EXP_HIGHEST = 88.376f;
  private static final float EXP_LOWEST = -87f;

  /** (exp(r) - 1 - r) / r² on |r| ≤ ln 2 / 2: relative error of exp 3.1e-9. */
  private static final FloatVector E2 = spread(0x1.fffffcp-2f);

  private static final FloatVector E3 = spread(0x1.55549p-3f);
  private static final FloatVector E4 = spread(0x1.5558f8p-5f);
  private static final FloatVector E5 = spread(0x1.123b04p-7f);
  private static final FloatVector E6 = spread(0x1.6a2252p-10f);

  private static final float TWO_SQRT_2_OVER_PI = 1.5957692f;

  /** Φ(-z) exp(z²/2) in t = 1 / (1 + z / 4) on 0 ≤ z ≤ 13: relative error 1.1e-8. */
  private static final FloatVector Q0 = spread(-2.5671856e-05f);

  private static final FloatVector Q1 = spread(0.10030585f);
  private static final FloatVector Q2 = spread(0.09419595f);
  private static final FloatVector Q3 = spread(0.12443363f);
  private static final FloatVector Q4 = spread(-0.02858039f);
  private static final FloatVector Q5 = spread(0.31964955f);
  private static final FloatVector Q6 = spread(-0.35163394f);
  private static final FloatVector Q7 = spread(0.40860924f);
  private static final FloatVector Q8 = spread(-0.20197041f);
  private static final FloatVector Q9 = spread(0.035016187f);

  private static final VectorShuffle<Float> ROTATE_HALF = rotate(2);
  private static final VectorShuffle<Float> ROTATE_QUARTER = rotate(4);
  private static final VectorShuffle<Float> ROTATE_EIGHTH = rotate(8);
  private static final VectorShuffle<Float> ROTATE_SIXTEENTH = rotate(16);

  private VectorMath() {}

  private static VectorShuffle<Float> rotate(int part) {
    int lanes = VectorShapes.LANES;
    int by = lanes / part;
    return VectorShuffle.fromOp(VectorShapes.FLOATS, i -> (i + by) % lanes);
  }

  /** Sum of all lanes, always in the same order; {@code reduceLanes} leaves its order open. */
  static float sum(FloatVector v) {
    FloatVector s = v.add(v.rearrange(ROTATE_HALF));
    s = s.add(s.rearrange(ROTATE_QUARTER));
    if (VectorShapes.LANES >= 8) {
      s = s.add(s.rearrange(ROTATE_EIGHTH));
    }
    if (VectorShapes.LANES >= 16) {
      s = s.add(s.rearrange(ROTATE_SIXTEENTH));
    }
    return s.lane(0);
  }

  /**
   * exp(x) within 2 ulp for -87 ≤ x ≤ 88.376; 0 below, exp(88.376) above, NaN for NaN, exactly 1
   * for 0.
   */
  static FloatVector exp(FloatVector x) {
    FloatVector clamped = x.blend(EXP_HIGHEST, x.compare(VectorOperators.GT, EXP_HIGHEST));
    FloatVector shifted = clamped.fma(LOG2_E, ROUNDER);
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.fma(MINUS_LN2_HIGH, clamped);
    r = n.fma(MINUS_LN2_LOW, r);
    FloatVector p = r.fma(E6, E5);
    p = p.fma(r, E4);
    p = p.fma(r, E3);
    p = p.fma(r, E2);
    p = p.fma(r.mul(r), r).add(1f);
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector scaled = p.reinterpretAsInts().add(exponent).reinterpretAsFloats();
    return scaled.blend(0f, x.compare(VectorOperators.LT, EXP_LOWEST));
  }

  /** x / (1 + exp(-x)). */
  static FloatVector silu(FloatVector x) {
    return x.div(exp(x.neg()).add(1f));
  }

  /** 0.5 x (1 + tanh(u)) as x / (1 + exp(-2u)), which loses no digits where x is negative. */
  static FloatVector geluTanh(FloatVector x) {
    FloatVector cube = x.mul(x).fma(spread(0.044715f), spread(1f)).mul(x);
    return x.div(exp(cube.mul(-TWO_SQRT_2_OVER_PI)).add(1f));
  }

  /** x Φ(x), with Φ(-|x|) from a polynomial, so that negative x loses no digits. */
  static FloatVector geluErf(FloatVector x) {
    FloatVector z = x.abs();
    FloatVector t = spread(1f).div(z.fma(spread(0.25f), spread(1f)));
    FloatVector q = t.fma(Q9, Q8);
    q = q.fma(t, Q7);
    q = q.fma(t, Q6);
    q = q.fma(t, Q5);
    q = q.fma(t, Q4);
    q = q.fma(t, Q3);
    q = q.fma(t, Q2);
    q = q.fma(t, Q1);
    q = q.fma(t, Q0);
    FloatVector tail = q.mul(exp(z.mul(z).mul(-0.5f))).mul(x);
    VectorMask<Float> negative = x.compare(VectorOperators.LT, 0f);
    return x.sub(tail).blend(tail, negative);
  }

  static FloatVector spread(float value) {
    return FloatVector.broadcast(VectorShapes.FLOATS, value);
  }
}
