package inkstone.kernel;

import static inkstone.kernel.VectorMemory.first;
import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/**
 * Fused attention: a block of queries meets one tile of keys after another with an online softmax,
 * so that no matrix of all scores exists. Scores and sums are register tiles of {@link VectorGemm};
 * keys come in one fixed order from the first, in tiles of one fixed size.
 */
final class VectorAttention {
  private static final int LANES = VectorShapes.LANES;
  private static final int PANEL = VectorGemm.PANEL;

  /** Keys of a tile: its scores for all queries of a block stay in L2. */
  static final int KEYS = 128;

  /** Queries of a block: enough that packing a tile of keys costs a few per cent. */
  static final int QUERIES = 192;

  private static final long SCORE_BYTES = 4L * QUERIES * KEYS;

  /** Scratch of one call: where each part lies. */
  private record Layout(
      long scores,
      long sums,
      long keys,
      long values,
      long zeros,
      long maxima,
      long totals,
      long tile,
      long pack) {
    static Layout at(long scratch, int headDim) {
      int wide = VectorGemm.padded(headDim);
      long sums = scratch + SCORE_BYTES; // [QUERIES, wide]
      long keys = sums + 4L * QUERIES * wide; // panels [headDim, PANEL] for KEYS columns
      long values = keys + 4L * KEYS * headDim; // panels [KEYS, PANEL] for headDim columns
      long zeros = values + 4L * KEYS * wide; // [KEYS]
      long maxima = zeros + 4L * KEYS; // [QUERIES]
      long totals = maxima + 4L * QUERIES; // [QUERIES]
      long tile = totals + 4L * QUERIES;
      return new Layout(
          scratch, sums, keys, values, zeros, maxima, totals, tile, tile + VectorGemm.tileBytes());
    }
  }

  private VectorAttention() {}

  static long scratchBytes(int headDim) {
    return Layout.at(0, headDim).pack + VectorPack.SCRATCH_BYTES;
  }

  static void attention(AttentionArgs a, AttentionBlock b, long scratch) {
    int d = a.headDim();
    int wide = VectorGemm.padded(d);
    int rows = Math.toIntExact(b.queryTo() - b.queryFrom());
    Layout at = Layout.at(scratch, d);
    long queryBytes = 4L * a.heads() * d;
    long keyBytes = 4L * a.kvHeads() * d;
    int kvHead = b.head() / (a.heads() / a.kvHeads());
    long query = a.q() + b.queryFrom() * queryBytes + 4L * b.head() * d;
    long keysEnd = Math.min(b.keyTo(), b.queryTo() + b.causalShift());
    VectorMemory.clear(at.sums, (long) rows * wide);
    VectorMemory.clear(at.zeros, KEYS);
    for (int r = 0; r < rows; r++) {
      Raw.set(at.maxima, r, Float.NEGATIVE_INFINITY);
      Raw.set(at.totals, r, 0);
    }
    for (long key = b.keyFrom(); key < keysEnd; key += KEYS) {
      int keys = (int) Math.min(KEYS, keysEnd - key);
      int width = VectorGemm.padded(keys);
      long kvAt = key * keyBytes + 4L * kvHead * d;
      VectorPack.pack(
          at.keys,
          4L * PANEL * d,
          a.k() + kvAt,
          ElementType.F32,
          (long) a.kvHeads() * d,
          keys,
          d,
          at.pack);
      VectorGemm.product(
          at.scores, 4L * KEYS, at.zeros, 0, query, queryBytes, rows, at.keys, width, d, at.tile);
      long bias = a.keyBias() == 0 ? 0 : a.keyBias() + 4 * key;
      for (int r = 0; r < rows; r++) {
        long seen = b.queryFrom() + r + b.causalShift() + 1 - key;
        int visible = Math.clamp(seen, 0, keys);
        softmax(
            at.scores + 4L * r * KEYS,
            width,
            visible,
            bias,
            a.scale(),
            at.maxima + 4L * r,
            at.totals + 4L * r,
            at.sums + 4L * r * wide,
            wide);
      }
      copyValues(at.values, a.v() + kvAt, keyBytes, keys, d);
      VectorGemm.product(
          at.sums, 4L * wide, at.sums, 4L * wide, at.scores, 4L * KEYS, rows, at.values, wide, keys,
          at.tile);
    }
    for (int r = 0; r < rows; r++) {
      float total = Raw.get(at.totals, r);
      VectorElementwise.scale(
          a.out() + (b.queryFrom() + r) * queryBytes + 4L * b.head() * d,
          at.sums + 4L * r * wide,
          total == 0 ? 0 : 1 / total,
          d);
    }
  }

  /** Values of one key tile into panels; columns that fill up the last one are zero. */
  private static void copyValues(long to, long from, long stride, int keys, int d) {
    for (int column = 0; column < d; column += PANEL) {
      int columns = Math.min(PANEL, d - column);
      long panel = to + 4L * column * keys;
      for (int j = 0; j < keys; j++) {
        long row = panel + 4L * j * PANEL;
        VectorMemory.copy(row, from + j * stride + 4L * column, columns);
        if (columns < PANEL) {
          VectorMemory.clear(row + 4L * columns, PANEL - columns);
        }
      }
    }
  }

  /**
   * Turns a row of raw scores into weights relative to the largest score so far, and rescales what
   * was summed before when that has grown.
   */
  private static void softmax(
      long row,
      int width,
      int visible,
      long bias,
      float scale,
      long maximum,
      long total,
      long sums,
      int wide) {
    FloatVector hidden = VectorMath.spread(Float.NEGATIVE_INFINITY);
    FloatVector largest = hidden;
    for (int i = 0; i < width; i += LANES) {
      FloatVector s = load(row + 4L * i).mul(scale);
      if (i + LANES > visible) {
        VectorMask<Float> mask = first(visible - i);
        if (bias != 0) {
          s = s.add(load(bias + 4L * i, mask));
        }
        s = hidden.blend(s, mask);
      } else if (bias != 0) {
        s = s.add(load(bias + 4L * i));
      }
      store(s, row + 4L * i);
      largest = largest.max(s);
    }
    float before = Raw.get(maximum);
    float now = Math.max(before, largest.reduceLanes(VectorOperators.MAX));
    float base = now == Float.NEGATIVE_INFINITY ? 0 : now;
    FloatVector sum = FloatVector.zero(VectorShapes.FLOATS);
    for (int i = 0; i < width; i += LANES) {
      FloatVector p = VectorMath.exp(load(row + 4L * i).sub(base));
      store(p, row + 4L * i);
      sum = sum.add(p);
    }
    float previous = Raw.get(total);
    if (now != before) {
      float factor = VectorMath.exp(VectorMath.spread(before - base)).lane(0);
      previous *= factor;
      VectorElementwise.scale(sums, sums, factor, wide);
      Raw.set(maximum, 0, now);
    }
    Raw.set(total, 0, previous + VectorMath.sum(sum));
  }
}
