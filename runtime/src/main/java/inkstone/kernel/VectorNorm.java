package inkstone.kernel;

import static inkstone.kernel.VectorMemory.first;
import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;
import static inkstone.kernel.VectorMemory.whole;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Norms, softmax and guidance: row by row, with F32 sums in two accumulators of one vector each,
 * folded in a fixed order.
 */
final class VectorNorm {
  private static final int LANES = VectorShapes.LANES;

  private VectorNorm() {}

  static void layerNorm(NormArgs a, long rowFrom, long rowTo) {
    int n = a.channels();
    for (long r = rowFrom; r < rowTo; r++) {
      long x = a.x() + 4 * r * n;
      float mean = sum(x, n) / n;
      float variance = squares(x, mean, n) / n;
      float factor = (float) (1 / Math.sqrt(variance + a.eps()));
      affine(a.out() + 4 * r * n, x, n, mean, factor, a);
    }
  }

  /** {@code (x - mean) * factor * (offset + weight) + bias} of one row. */
  private static void affine(long out, long x, int n, float mean, float factor, NormArgs a) {
    long weight = a.weight();
    long bias = a.bias();
    float offset = a.weightOffset();
    for (int i = 0; i < n; i += LANES) {
      boolean partial = i + LANES > n;
      VectorMask<Float> mask = first(n - i);
      FloatVector y = partial ? load(x + 4L * i, mask) : load(x + 4L * i);
      y = y.sub(mean).mul(factor);
      if (weight != 0) {
        FloatVector w = partial ? load(weight + 4L * i, mask) : load(weight + 4L * i);
        y = y.mul(w.add(offset));
      }
      if (bias != 0) {
        y = y.add(partial ? load(bias + 4L * i, mask) : load(bias + 4L * i));
      }
      if (partial) {
        store(y, out + 4L * i, mask);
      } else {
        store(y, out + 4L * i);
      }
    }
  }

  /** RMS or L2 norm; a SiLU that follows is the caller's. */
  static void rmsNorm(RmsArgs a, long rowFrom, long rowTo) {
    int n = a.channels();
    for (long r = rowFrom; r < rowTo; r++) {
      long x = a.x() + 4 * r * n;
      float factor =
          a.form() == RmsArgs.Form.ROOT_MEAN_SQUARE
              ? inverseRms(x, n, a.eps())
              : (float) (Math.sqrt(n) / Math.max(Math.sqrt(squares(x, 0, n)), RmsArgs.L2_FLOOR));
      long out = a.out() + 4 * r * n;
      weighted(out, x, n, factor, a.weight());
    }
  }

  /** What an RMS norm multiplies a row by, weight aside. */
  static float inverseRms(long x, int n, float eps) {
    return (float) (1 / Math.sqrt(squares(x, 0, n) / n + eps));
  }

  /** {@code x * factor * weight} of one row. */
  private static void weighted(long out, long x, int n, float factor, long weight) {
    if (weight == 0) {
      VectorElementwise.scale(out, x, factor, n);
      return;
    }
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(load(x + 4 * i).mul(factor).mul(load(weight + 4 * i)), out + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      FloatVector y = load(x + 4 * whole, mask).mul(factor);
      store(y.mul(load(weight + 4 * whole, mask)), out + 4 * whole, mask);
    }
  }

  static void softmax(long out, long x, long rows, int n) {
    for (long r = 0; r < rows; r++) {
      long from = x + 4 * r * n;
      long to = out + 4 * r * n;
      float total = exponentials(to, from, max(from, n), n);
      VectorElementwise.scale(to, to, 1 / total, n);
    }
  }

  static void trueCfg(long positive, long negative, float scale, long rows, int n) {
    for (long r = 0; r < rows; r++) {
      long p = positive + 4 * r * n;
      float positiveNorm = (float) Math.sqrt(squares(p, 0, n));
      combine(p, negative + 4 * r * n, scale, n);
      float combinedNorm = (float) Math.sqrt(squares(p, 0, n));
      VectorElementwise.scale(p, p, positiveNorm / combinedNorm, n);
    }
  }

  /** {@code p = q + scale * (p - q)}, each operation rounded. */
  private static void combine(long p, long q, float scale, int n) {
    for (int i = 0; i < n; i += LANES) {
      VectorMask<Float> mask = first(n - i);
      FloatVector b = load(q + 4L * i, mask);
      FloatVector y = load(p + 4L * i, mask).sub(b).mul(scale).add(b);
      store(y, p + 4L * i, mask);
    }
  }

  private static float max(long x, int n) {
    FloatVector largest = VectorMath.spread(Float.NEGATIVE_INFINITY);
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      largest = largest.max(load(x + 4 * i));
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      largest = largest.blend(largest.max(load(x + 4 * whole, mask)), mask);
    }
    return largest.reduceLanes(VectorOperators.MAX);
  }

  /** {@code out = exp(x - max)}; returns the sum. */
  private static float exponentials(long out, long x, float max, int n) {
    FloatVector sum = FloatVector.zero(VectorShapes.FLOATS);
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      FloatVector y = VectorMath.exp(load(x + 4 * i).sub(max));
      store(y, out + 4 * i);
      sum = sum.add(y);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      FloatVector y = VectorMath.exp(load(x + 4 * whole, mask).sub(max));
      store(y, out + 4 * whole, mask);
      sum = sum.blend(sum.add(y), mask);
    }
    return VectorMath.sum(sum);
  }

  private static float sum(long x, int n) {
    FloatVector even = FloatVector.zero(VectorShapes.FLOATS);
    FloatVector odd = even;
    int i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      even = even.add(load(x + 4L * i));
      odd = odd.add(load(x + 4L * i + 4 * LANES));
    }
    for (; i < n; i += LANES) {
      even = even.add(load(x + 4L * i, first(n - i)));
    }
    return VectorMath.sum(even.add(odd));
  }

  /** Sum of (x - mean)². */
  private static float squares(long x, float mean, int n) {
    FloatVector even = FloatVector.zero(VectorShapes.FLOATS);
    FloatVector odd = even;
    int i = 0;
    for (; i + 2 * LANES <= n; i += 2 * LANES) {
      FloatVector a = load(x + 4L * i).sub(mean);
      FloatVector b = load(x + 4L * i + 4 * LANES).sub(mean);
      even = a.fma(a, even);
      odd = b.fma(b, odd);
    }
    for (; i < n; i += LANES) {
      VectorMask<Float> mask = first(n - i);
      FloatVector a = load(x + 4L * i, mask).sub(mean);
      even = even.blend(a.fma(a, even), mask);
    }
    return VectorMath.sum(even.add(odd));
  }
}
