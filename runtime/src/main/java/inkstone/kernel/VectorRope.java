package inkstone.kernel;

import static inkstone.kernel.VectorMemory.first;
import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/** Rotary embedding: the angles of a token are spread once and then used by all its heads. */
final class VectorRope {
  private static final int LANES = VectorShapes.LANES;

  /** Most heads that are normed before they are turned: 16 KiB at a head size of 128. */
  private static final int GROUP = 32;

  /** Neighbours change places. */
  private static final VectorShuffle<Float> SWAP =
      VectorShuffle.fromOp(VectorShapes.FLOATS, i -> i ^ 1);

  /** The first half of the lanes, each twice. */
  private static final VectorShuffle<Float> TWICE =
      VectorShuffle.fromOp(VectorShapes.FLOATS, i -> i / 2);

  private static final FloatVector SIGNS =
      FloatVector.broadcast(VectorShapes.FLOATS, -1f)
          .blend(1f, VectorShapes.FLOATS.loadMask(oddLanes(), 0));

  private VectorRope() {}

  private static boolean[] oddLanes() {
    boolean[] odd = new boolean[LANES];
    for (int i = 1; i < LANES; i += 2) {
      odd[i] = true;
    }
    return odd;
  }

  static long scratchBytes(int headDim) {
    return 8L * (headDim + LANES) + 4L * GROUP;
  }

  static void rope(RopeArgs a, long tokenFrom, long tokenTo, long scratch) {
    int d = a.headDim();
    int half = d / 2;
    for (long s = tokenFrom; s < tokenTo; s++) {
      long cos = a.cos() + 4 * s * half;
      long sin = a.sin() + 4 * s * half;
      long head = a.x() + 4 * s * a.heads() * d;
      if (a.form() == RopeArgs.Form.INTERLEAVED) {
        long sines = scratch + 4L * (d + LANES);
        spread(scratch, sines, cos, sin, half);
        interleaved(head, a.heads(), d, scratch, sines);
      } else {
        halfSplit(head, a.heads(), half, cos, sin);
      }
    }
  }

  /**
   * The heads of a token are still in L1 from their norms when they are turned, so memory is read
   * and written once.
   */
  static void qkNormRope(QkNormRopeArgs a, long tokenFrom, long tokenTo, long scratch) {
    int d = a.headDim();
    int half = d / 2;
    long sines = scratch + 4L * (d + LANES);
    long factors = sines + 4L * (d + LANES);
    for (long s = tokenFrom; s < tokenTo; s++) {
      spread(scratch, sines, a.cos() + 4 * s * half, a.sin() + 4 * s * half, half);
      long token = a.x() + 4 * s * a.heads() * d;
      for (int h = 0; h < a.heads(); h += GROUP) {
        int group = Math.min(GROUP, a.heads() - h);
        long x = token + 4L * h * d;
        for (int i = 0; i < group; i++) {
          Raw.set(factors, i, VectorNorm.inverseRms(x + 4L * i * d, d, a.eps()));
        }
        weightedInterleaved(x, group, d, factors, a.weight(), scratch, sines);
      }
    }
  }

  /**
   * {@code x * factor * weight} of some heads, turned. One vector of all heads after the other: its
   * weight and angles stay in registers.
   */
  private static void weightedInterleaved(
      long x, int heads, int d, long factors, long weight, long cos, long sin) {
    for (int i = 0; i < d; i += LANES) {
      VectorMask<Float> mask = first(d - i);
      FloatVector w = load(weight + 4L * i, mask);
      FloatVector c = load(cos + 4L * i, mask);
      FloatVector s = load(sin + 4L * i, mask);
      long column = x + 4L * i;
      if (i + LANES <= d) {
        for (int h = 0; h < heads; h++) {
          long at = column + 4L * h * d;
          FloatVector v = load(at).mul(VectorMemory.spread(factors + 4L * h)).mul(w);
          store(v.mul(c).add(v.rearrange(SWAP).mul(s)), at);
        }
      } else {
        for (int h = 0; h < heads; h++) {
          long at = column + 4L * h * d;
          FloatVector v = load(at, mask).mul(VectorMemory.spread(factors + 4L * h)).mul(w);
          store(v.mul(c).add(v.rearrange(SWAP).mul(s)), at, mask);
        }
      }
    }
  }

  /** Each cosine twice; each sine twice, first negative. */
  private static void spread(long cosines, long sines, long cos, long sin, int half) {
    for (int i = 0; i < half; i += LANES / 2) {
      VectorMask<Float> mask = first(Math.min(LANES / 2, half - i));
      store(load(cos + 4L * i, mask).rearrange(TWICE), cosines + 8L * i);
      store(load(sin + 4L * i, mask).rearrange(TWICE).mul(SIGNS), sines + 8L * i);
    }
  }

  private static void interleaved(long x, int heads, int d, long cos, long sin) {
    for (int h = 0; h < heads; h++) {
      long row = x + 4L * h * d;
      for (int i = 0; i < d; i += LANES) {
        if (i + LANES <= d) {
          FloatVector v = load(row + 4L * i);
          FloatVector turned = v.rearrange(SWAP).mul(load(sin + 4L * i));
          store(v.mul(load(cos + 4L * i)).add(turned), row + 4L * i);
        } else {
          VectorMask<Float> mask = first(d - i);
          FloatVector v = load(row + 4L * i, mask);
          FloatVector turned = v.rearrange(SWAP).mul(load(sin + 4L * i, mask));
          store(v.mul(load(cos + 4L * i, mask)).add(turned), row + 4L * i, mask);
        }
      }
    }
  }

  private static void halfSplit(long x, int heads, int half, long cos, long sin) {
    for (int h = 0; h < heads; h++) {
      long low = x + 8L * h * half;
      long high = low + 4L * half;
      for (int i = 0; i < half; i += LANES) {
        VectorMask<Float> mask = first(half - i);
        FloatVector a = load(low + 4L * i, mask);
        FloatVector b = load(high + 4L * i, mask);
        FloatVector c = load(cos + 4L * i, mask);
        FloatVector s = load(sin + 4L * i, mask);
        store(a.mul(c).sub(b.mul(s)), low + 4L * i, mask);
        store(b.mul(c).add(a.mul(s)), high + 4L * i, mask);
      }
    }
  }
}
