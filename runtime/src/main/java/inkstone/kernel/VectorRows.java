package inkstone.kernel;

import static inkstone.kernel.VectorMemory.ADDRESS;
import static inkstone.kernel.VectorMemory.load;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Lays rows out as {@link VectorTile} reads them: for each k the numbers of eight rows next to each
 * other. Squares of eight rows by one vector are transposed in registers: each step exchanges one
 * bit of the row number with one bit of the lane number.
 */
final class VectorRows {
  private static final int LANES = VectorShapes.LANES;
  private static final int ROWS = VectorTile.STRIDE;

  /** Lanes that row distance 1 is exchanged with: sixteen lanes take two k at a time. */
  private static final int LANE = LANES == 16 ? 2 : 1;

  private static final VectorShuffle<Float> UP_1 = shuffle(-LANE);
  private static final VectorShuffle<Float> UP_2 = shuffle(-2 * LANE);
  private static final VectorShuffle<Float> UP_4 = shuffle(-4 * LANE);
  private static final VectorShuffle<Float> DOWN_1 = shuffle(LANE);
  private static final VectorShuffle<Float> DOWN_2 = shuffle(2 * LANE);
  private static final VectorShuffle<Float> DOWN_4 = shuffle(4 * LANE);
  private static final VectorMask<Float> BIT_1 = bit(LANE);
  private static final VectorMask<Float> BIT_2 = bit(2 * LANE);
  private static final VectorMask<Float> BIT_4 = bit(4 * LANE);

  /** Of sixteen lanes: from [row, k] to [k, row]. */
  private static final VectorShuffle<Float> PAIRS =
      VectorShuffle.fromOp(VectorShapes.FLOATS, i -> LANES == 16 ? i % 8 * 2 + i / 8 : i);

  private VectorRows() {}

  /** Lane i of the result is lane {@code i + by}. */
  static VectorShuffle<Float> shuffle(int by) {
    return VectorShuffle.fromOp(VectorShapes.FLOATS, i -> (i + by + LANES) % LANES);
  }

  /** Lanes whose number has {@code bit}. */
  static VectorMask<Float> bit(int bit) {
    boolean[] lanes = new boolean[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = (i & bit) != 0;
    }
    return VectorMask.fromArray(VectorShapes.FLOATS, lanes, 0);
  }

  /**
   * {@code to[at + 8·k + r] = x[r, k]} for eight rows; rows beyond {@code last} repeat row {@code
   * last}.
   *
   * @param x address of the first row; the others follow {@code stride} bytes apart
   */
  static void interleave(float[] to, int at, long x, long stride, int last, int depth) {
    int whole = depth & -LANES;
    if (LANES == 4) {
      quads(to, at, x, stride, last, whole, 0);
      quads(to, at, x, stride, last, whole, 4);
    } else {
      octets(to, at, x, stride, last, whole);
    }
    for (int k = whole; k < depth; k++) {
      for (int r = 0; r < ROWS; r++) {
        to[at + ROWS * k + r] = Raw.get(x + Math.min(r, last) * stride + 4L * k);
      }
    }
  }

  /** Eight rows by eight or sixteen k. */
  private static void octets(float[] to, int at, long x, long stride, int last, int whole) {
    long x0 = x & ADDRESS;
    long x1 = (x + Math.min(1, last) * stride) & ADDRESS;
    long x2 = (x + Math.min(2, last) * stride) & ADDRESS;
    long x3 = (x + Math.min(3, last) * stride) & ADDRESS;
    long x4 = (x + Math.min(4, last) * stride) & ADDRESS;
    long x5 = (x + Math.min(5, last) * stride) & ADDRESS;
    long x6 = (x + Math.min(6, last) * stride) & ADDRESS;
    long x7 = (x + Math.min(7, last) * stride) & ADDRESS;
    for (int k = 0; k < whole; k += LANES) {
      FloatVector a = load(x0 + 4L * k);
      FloatVector b = load(x4 + 4L * k);
      FloatVector p0 = low4(a, b);
      FloatVector p4 = high4(a, b);
      a = load(x1 + 4L * k);
      b = load(x5 + 4L * k);
      FloatVector p1 = low4(a, b);
      FloatVector p5 = high4(a, b);
      a = load(x2 + 4L * k);
      b = load(x6 + 4L * k);
      FloatVector p2 = low4(a, b);
      FloatVector p6 = high4(a, b);
      a = load(x3 + 4L * k);
      b = load(x7 + 4L * k);
      FloatVector p3 = low4(a, b);
      FloatVector p7 = high4(a, b);
      int i = at + ROWS * k;
      a = low2(p0, p2);
      b = low2(p1, p3);
      low1(a, b).intoArray(to, i);
      high1(a, b).intoArray(to, i + LANES);
      a = high2(p0, p2);
      b = high2(p1, p3);
      low1(a, b).intoArray(to, i + 2 * LANES);
      high1(a, b).intoArray(to, i + 3 * LANES);
      a = low2(p4, p6);
      b = low2(p5, p7);
      low1(a, b).intoArray(to, i + 4 * LANES);
      high1(a, b).intoArray(to, i + 5 * LANES);
      a = high2(p4, p6);
      b = high2(p5, p7);
      low1(a, b).intoArray(to, i + 6 * LANES);
      high1(a, b).intoArray(to, i + 7 * LANES);
    }
  }

  /** Four of the eight rows, from {@code row}, by four k. */
  private static void quads(float[] to, int at, long x, long stride, int last, int whole, int row) {
    long x0 = (x + Math.min(row, last) * stride) & ADDRESS;
    long x1 = (x + Math.min(row + 1, last) * stride) & ADDRESS;
    long x2 = (x + Math.min(row + 2, last) * stride) & ADDRESS;
    long x3 = (x + Math.min(row + 3, last) * stride) & ADDRESS;
    for (int k = 0; k < whole; k += LANES) {
      FloatVector a = load(x0 + 4L * k);
      FloatVector b = load(x2 + 4L * k);
      FloatVector p0 = low2(a, b);
      FloatVector p2 = high2(a, b);
      a = load(x1 + 4L * k);
      b = load(x3 + 4L * k);
      FloatVector p1 = low2(a, b);
      FloatVector p3 = high2(a, b);
      int i = at + ROWS * k + row;
      low1(p0, p1).intoArray(to, i);
      high1(p0, p1).intoArray(to, i + ROWS);
      low1(p2, p3).intoArray(to, i + 2 * ROWS);
      high1(p2, p3).intoArray(to, i + 3 * ROWS);
    }
  }

  private static FloatVector low4(FloatVector a, FloatVector b) {
    return a.blend(b.rearrange(UP_4), BIT_4);
  }

  private static FloatVector high4(FloatVector a, FloatVector b) {
    return a.rearrange(DOWN_4).blend(b, BIT_4);
  }

  private static FloatVector low2(FloatVector a, FloatVector b) {
    return a.blend(b.rearrange(UP_2), BIT_2);
  }

  private static FloatVector high2(FloatVector a, FloatVector b) {
    return a.rearrange(DOWN_2).blend(b, BIT_2);
  }

  private static FloatVector low1(FloatVector a, FloatVector b) {
    return pairs(a.blend(b.rearrange(UP_1), BIT_1));
  }

  private static FloatVector high1(FloatVector a, FloatVector b) {
    return pairs(a.rearrange(DOWN_1).blend(b, BIT_1));
  }

  private static FloatVector pairs(FloatVector v) {
    return LANES == 16 ? v.rearrange(PAIRS) : v;
  }
}
