package inkstone.kernel;

import static inkstone.kernel.VectorMemory.first;
import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Online softmax of one panel of {@link VectorAttention}: a lane a query, a row a key. The state of
 * a panel is, for each query, the largest score so far, the sum of its weights, and the factor by
 * which what was summed before the last tile of keys has shrunk.
 */
final class VectorSoftmax {
  private static final int LANES = VectorShapes.LANES;
  private static final int BYTES = VectorShapes.BYTES;
  private static final int PANEL = VectorTile.PANEL;
  private static final int PANEL_BYTES = VectorTile.PANEL_BYTES;

  private static final int TOTALS = PANEL_BYTES;
  private static final int FACTORS = 2 * PANEL_BYTES;
  private static final int BASES = 3 * PANEL_BYTES;
  private static final int SUMS = 4 * PANEL_BYTES;

  /** Bytes of a state. */
  static final long STATE_BYTES = 5L * PANEL_BYTES;

  private static final FloatVector HIDDEN = VectorMath.spread(Float.NEGATIVE_INFINITY);
  private static final FloatVector ZERO = FloatVector.zero(VectorShapes.FLOATS);
  private static final FloatVector ONE = VectorMath.spread(1);

  private VectorSoftmax() {}

  /** The state before any key. */
  static void start(long state) {
    for (int i = 0; i < PANEL_BYTES; i += BYTES) {
      store(HIDDEN, state + i);
      store(ZERO, state + TOTALS + i);
      store(ZERO, state + SUMS + i);
    }
  }

  /**
   * Scores of a tile: {@code tile[r, q] = sums[r, q] * scale + bias[r]}.
   *
   * @param bias address of {@code rows} floats, or 0
   */
  static void scores(long tile, float[] sums, int rows, float scale, long bias) {
    FloatVector factor = VectorMath.spread(scale);
    for (int i = 0; i < rows * PANEL; i += LANES) {
      store(FloatVector.fromArray(VectorShapes.FLOATS, sums, i).mul(factor), tile + 4L * i);
    }
    for (int r = 0; bias != 0 && r < rows; r++) {
      FloatVector b = VectorMemory.spread(bias + 4L * r);
      for (int i = 0; i < PANEL_BYTES; i += BYTES) {
        long at = tile + (long) r * PANEL_BYTES + i;
        store(load(at).add(b), at);
      }
    }
  }

  /** Hides keys of a tile: query q sees the first {@code visible + q} of its rows. */
  static void hide(long tile, int rows, int visible) {
    for (int r = Math.max(0, visible); r < rows; r++) {
      for (int i = 0; i < PANEL; i += LANES) {
        VectorMask<Float> hidden = first(Math.clamp(r - visible + 1L - i, 0, LANES));
        long at = tile + (long) r * PANEL_BYTES + 4L * i;
        store(load(at).blend(HIDDEN, hidden), at);
      }
    }
  }

  /**
   * Turns the scores of {@code keys} keys into weights relative to the largest score so far.
   *
   * @return whether earlier results must be rescaled
   */
  static boolean weigh(long scores, int keys, long state) {
    boolean grown = false;
    for (int i = 0; i < PANEL_BYTES; i += BYTES) {
      grown |= grow(scores + i, keys, state + i);
      weights(scores + i, keys, state + i);
      total(state + i);
    }
    return grown;
  }

  /** Brings the state up to the largest score. Vectors stay within a method: see docs. */
  private static boolean grow(long scores, int keys, long state) {
    FloatVector before = load(state);
    FloatVector now = before;
    for (int j = 0; j < keys; j++) {
      now = now.max(load(scores + (long) j * PANEL_BYTES));
    }
    store(now, state);
    FloatVector base = now.blend(ZERO, now.compare(VectorOperators.EQ, HIDDEN));
    FloatVector factor = VectorMath.exp(before.sub(base));
    store(base, state + BASES);
    store(factor, state + FACTORS);
    store(load(state + TOTALS).mul(factor), state + TOTALS);
    return factor.compare(VectorOperators.NE, ONE).anyTrue();
  }

  /**
   * The weights, and their sum over this tile alone: thousands of weights added to one number would
   * each be rounded at its size. Four sums side by side are a little more exact, but four
   * exponentials in a loop exceed C2's inlining budget, and attention ran at 0.6 of its speed.
   */
  private static void weights(long scores, int keys, long state) {
    FloatVector base = load(state + BASES);
    FloatVector sum = load(state + SUMS);
    for (int j = 0; j < keys; j++) {
      long at = scores + (long) j * PANEL_BYTES;
      FloatVector p = VectorMath.exp(load(at).sub(base));
      store(p, at);
      sum = sum.add(p);
    }
    store(sum, state + SUMS);
  }

  /** Adds the tile's sum to the total. A method of its own: in {@link #weights} it costs 18 %. */
  private static void total(long state) {
    store(load(state + TOTALS).add(load(state + SUMS)), state + TOTALS);
    store(ZERO, state + SUMS);
  }

  /** Multiplies results {@code [d, PANEL]} by the state's factors. */
  static void rescale(long results, int d, long state) {
    multiply(results, d, state + FACTORS);
  }

  /** Divides results {@code [d, PANEL]} by the sums of the weights; no weight gives zero. */
  static void divide(long results, int d, long state) {
    for (int q = 0; q < PANEL; q++) {
      float total = Raw.get(state + TOTALS, q);
      Raw.set(state + FACTORS, q, total == 0 ? 0 : 1 / total);
    }
    multiply(results, d, state + FACTORS);
  }

  private static void multiply(long rows, int count, long factors) {
    FloatVector f0 = load(factors);
    FloatVector f1 = load(factors + BYTES);
    for (int r = 0; r < count; r++) {
      long at = rows + (long) r * PANEL_BYTES;
      store(load(at).mul(f0), at);
      store(load(at + BYTES).mul(f1), at + BYTES);
    }
  }
}
