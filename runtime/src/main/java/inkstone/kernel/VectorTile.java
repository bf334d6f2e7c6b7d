package inkstone.kernel;

import static inkstone.kernel.VectorMemory.ADDRESS;
import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;

import jdk.incubator.vector.FloatVector;

/**
 * The register tile on which every matrix product runs: some rows by two vectors of columns, whose
 * sums stay in registers over one block of k. See docs/kernels.md.
 *
 * <p>Rows are read from a {@code float[]} in which the numbers of {@link #STRIDE} rows for one k
 * lie next to each other, so that one index walks through rows and panel alike. Arrays cost C2 far
 * fewer nodes than segments do, and a method with more nodes than its budget keeps its vectors on
 * the heap.
 */
final class VectorTile {
  private static final int LANES = VectorShapes.LANES;
  private static final int BYTES = VectorShapes.BYTES;

  /** Rows of a tile: 16 sums fit the 32 registers of 512 bits, 12 the 16 of narrower ones. */
  static final int ROWS = LANES == 16 ? 8 : 6;

  /** Numbers between one k and the next in interleaved rows. */
  static final int STRIDE = 8;

  /** Columns of a tile, and of a panel. */
  static final int PANEL = 2 * LANES;

  /** Bytes of one k of a panel. */
  static final int PANEL_BYTES = 4 * PANEL;

  /** Numbers of the sums of a tile. */
  static final int SUMS = STRIDE * PANEL;

  private VectorTile() {}

  /**
   * {@code sums[ROWS, PANEL] = x[ROWS, depth] · panel[depth, PANEL]}.
   *
   * @param x interleaved rows, the first k at {@code from}
   * @param panel address of the panel's first k
   */
  static void multiply(float[] sums, float[] x, int from, int depth, long panel) {
    int to = from + STRIDE * depth;
    long origin = panel - (long) PANEL_BYTES / STRIDE * from & ADDRESS;
    FloatVector s00 = FloatVector.zero(VectorShapes.FLOATS);
    FloatVector s01 = s00;
    FloatVector s10 = s00;
    FloatVector s11 = s00;
    FloatVector s20 = s00;
    FloatVector s21 = s00;
    FloatVector s30 = s00;
    FloatVector s31 = s00;
    FloatVector s40 = s00;
    FloatVector s41 = s00;
    FloatVector s50 = s00;
    FloatVector s51 = s00;
    FloatVector s60 = s00;
    FloatVector s61 = s00;
    FloatVector s70 = s00;
    FloatVector s71 = s00;
    for (int i = from; i < to; i += STRIDE) {
      FloatVector b0 = load(origin + (long) PANEL_BYTES / STRIDE * i);
      FloatVector b1 = load(origin + (long) PANEL_BYTES / STRIDE * i + BYTES);
      FloatVector a = spread(x, i);
      s00 = a.fma(b0, s00);
      s01 = a.fma(b1, s01);
      a = spread(x, i + 1);
      s10 = a.fma(b0, s10);
      s11 = a.fma(b1, s11);
      a = spread(x, i + 2);
      s20 = a.fma(b0, s20);
      s21 = a.fma(b1, s21);
      a = spread(x, i + 3);
      s30 = a.fma(b0, s30);
      s31 = a.fma(b1, s31);
      a = spread(x, i + 4);
      s40 = a.fma(b0, s40);
      s41 = a.fma(b1, s41);
      a = spread(x, i + 5);
      s50 = a.fma(b0, s50);
      s51 = a.fma(b1, s51);
      if (ROWS == 8) {
        a = spread(x, i + 6);
        s60 = a.fma(b0, s60);
        s61 = a.fma(b1, s61);
        a = spread(x, i + 7);
        s70 = a.fma(b0, s70);
        s71 = a.fma(b1, s71);
      }
    }
    s00.intoArray(sums, 0);
    s01.intoArray(sums, LANES);
    s10.intoArray(sums, 2 * LANES);
    s11.intoArray(sums, 3 * LANES);
    s20.intoArray(sums, 4 * LANES);
    s21.intoArray(sums, 5 * LANES);
    s30.intoArray(sums, 6 * LANES);
    s31.intoArray(sums, 7 * LANES);
    s40.intoArray(sums, 8 * LANES);
    s41.intoArray(sums, 9 * LANES);
    s50.intoArray(sums, 10 * LANES);
    s51.intoArray(sums, 11 * LANES);
    if (ROWS == 8) {
      s60.intoArray(sums, 12 * LANES);
      s61.intoArray(sums, 13 * LANES);
      s70.intoArray(sums, 14 * LANES);
      s71.intoArray(sums, 15 * LANES);
    }
  }

  /** {@code tile += sums}. */
  static void add(long tile, float[] sums) {
    for (int i = 0; i < ROWS * PANEL; i += LANES) {
      store(load(tile + 4L * i).add(get(sums, i)), tile + 4L * i);
    }
  }

  /** {@code sums += more}. */
  static void add(float[] sums, float[] more) {
    for (int i = 0; i < ROWS * PANEL; i += LANES) {
      get(sums, i).add(get(more, i)).intoArray(sums, i);
    }
  }

  /** {@code tile = bias + sums} in every row. */
  static void addBias(long tile, long bias, float[] sums) {
    FloatVector b0 = load(bias);
    FloatVector b1 = load(bias + BYTES);
    for (int i = 0; i < ROWS * PANEL; i += PANEL) {
      store(b0.add(get(sums, i)), tile + 4L * i);
      store(b1.add(get(sums, i + LANES)), tile + 4L * i + BYTES);
    }
  }

  private static FloatVector get(float[] sums, int i) {
    return FloatVector.fromArray(VectorShapes.FLOATS, sums, i);
  }

  private static FloatVector spread(float[] x, int i) {
    return FloatVector.broadcast(VectorShapes.FLOATS, x[i]);
  }
}
