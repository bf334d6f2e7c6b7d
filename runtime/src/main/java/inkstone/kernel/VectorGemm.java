package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.spread;
import static inkstone.kernel.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/**
 * Matrix products. Weights are packed into panels of two vectors of columns, k by k, and a register
 * tile of 6 rows by two vectors runs down a panel. All callers (linear layers of any row count,
 * convolutions, attention) share the one tile, so that there is one reduction order and little code
 * to warm up. See docs/kernels.md.
 */
final class VectorGemm {
  private static final int LANES = VectorShapes.LANES;
  private static final int BYTES = VectorShapes.BYTES;

  /** Rows of a register tile. */
  static final int ROWS = 6;

  /** Columns of a panel. */
  static final int PANEL = 2 * LANES;

  /** Columns packed at a time: with K_BLOCK they fill half a megabyte of L2. */
  private static final int N_BLOCK = 256;

  /** Bytes of one k of a panel. */
  private static final int PANEL_BYTES = 4 * PANEL;

  private static final int TILE_BYTES = ROWS * PANEL_BYTES;
  private static final long BLOCK_BYTES = 4L * N_BLOCK * Kernels.K_BLOCK;
  private static final long BIAS_BYTES = 4L * N_BLOCK;

  /** Tells C2 that an address is small, which spares a range check in the inner loop. */
  private static final long ADDRESS = (1L << 56) - 1;

  private VectorGemm() {}

  static long scratchBytes() {
    return BLOCK_BYTES + BIAS_BYTES + TILE_BYTES + VectorPack.SCRATCH_BYTES;
  }

  /** Columns rounded up to whole panels. */
  static int padded(int n) {
    return (n + PANEL - 1) / PANEL * PANEL;
  }

  /** As {@link Kernels#gemm}: packs a block of weights at a time and multiplies all rows by it. */
  static void gemm(GemmArgs g, long rowFrom, long rowTo, int nFrom, int nTo, long scratch) {
    long bias = scratch + BLOCK_BYTES;
    long tile = bias + BIAS_BYTES;
    long packScratch = tile + TILE_BYTES;
    for (int n = nFrom; n < nTo; n += N_BLOCK) {
      int columns = Math.min(N_BLOCK, nTo - n);
      VectorMemory.clear(bias, padded(columns));
      if (g.bias() != 0) {
        VectorMemory.copy(bias, g.bias() + 4L * n, columns);
      }
      for (int k = 0; k < g.k(); k += Kernels.K_BLOCK) {
        int depth = Math.min(Kernels.K_BLOCK, g.k() - k);
        long weight = g.weight() + ((long) n * g.k() + k) * g.type().bytes();
        VectorPack.pack(
            scratch,
            (long) depth * PANEL_BYTES,
            weight,
            g.type(),
            g.k(),
            columns,
            depth,
            packScratch);
        long out = g.out() + (rowFrom * g.outStride() + n) * 4;
        boolean first = k == 0;
        block(
            out,
            4 * g.outStride(),
            first ? bias : out,
            first ? 0 : 4 * g.outStride(),
            g.x() + (rowFrom * g.xStride() + k) * 4,
            4 * g.xStride(),
            rowTo - rowFrom,
            scratch,
            (long) depth * PANEL_BYTES,
            columns,
            depth,
            tile);
      }
    }
  }

  /**
   * {@code out[M, N] = x[M, K] · packed + init}, cut at {@link Kernels#K_BLOCK}.
   *
   * @param packed panels of {@code k} rows each
   * @param init address of the first row of what the first block is added to, {@code initStride}
   *     bytes apart (0 for the same row each time)
   * @param tile scratch of {@link #tileBytes}
   */
  static void product(
      long out,
      long outStride,
      long init,
      long initStride,
      long x,
      long xStride,
      long rows,
      long packed,
      int n,
      int k,
      long tile) {
    long panelStride = (long) k * PANEL_BYTES;
    for (int from = 0; from < k; from += Kernels.K_BLOCK) {
      int depth = Math.min(Kernels.K_BLOCK, k - from);
      boolean first = from == 0;
      block(
          out,
          outStride,
          first ? init : out,
          first ? initStride : outStride,
          x + 4L * from,
          xStride,
          rows,
          packed + (long) from * PANEL_BYTES,
          panelStride,
          n,
          depth,
          tile);
    }
  }

  /** Bytes of the tile scratch of {@link #product}. */
  static long tileBytes() {
    return TILE_BYTES;
  }

  /** One block of k: tiles of rows outside, so that their numbers stay in L1, panels inside. */
  private static void block(
      long out,
      long outStride,
      long init,
      long initStride,
      long x,
      long xStride,
      long rows,
      long panels,
      long panelStride,
      int n,
      int depth,
      long tile) {
    for (long row = 0; row < rows; row += ROWS) {
      int count = (int) Math.min(ROWS, rows - row);
      long from = x + row * xStride;
      for (int column = 0; column < n; column += PANEL) {
        long panel = panels + column / PANEL * panelStride;
        tile(tile, from, xStride, count - 1, panel, depth);
        add(
            out + row * outStride + 4L * column,
            outStride,
            init + row * initStride + 4L * column,
            initStride,
            tile,
            PANEL_BYTES,
            count,
            Math.min(PANEL, n - column));
      }
    }
  }

  /** {@code out = init + sums} of one register tile; the last vector of a row may be partial. */
  private static void add(
      long out,
      long outStride,
      long init,
      long initStride,
      long sums,
      long sumStride,
      int rows,
      int columns) {
    for (int r = 0; r < rows; r++) {
      long to = out + r * outStride;
      long start = init + r * initStride;
      long from = sums + r * sumStride;
      int whole = columns & -LANES;
      for (int c = 0; c < whole; c += LANES) {
        store(load(start + 4L * c).add(load(from + 4L * c)), to + 4L * c);
      }
      if (whole < columns) {
        VectorMask<Float> mask = VectorMemory.first(columns - whole);
        FloatVector y = load(start + 4L * whole, mask).add(load(from + 4L * whole, mask));
        store(y, to + 4L * whole, mask);
      }
    }
  }

  /**
   * Sums of up to 6 rows by two vectors to {@code sums}. Rows beyond {@code last} repeat row {@code
   * last}. The method is as small as it can be: C2 keeps vectors in registers only while it inlines
   * everything.
   */
  private static void tile(long sums, long x, long xStride, int last, long panel, int depth) {
    long x0 = x & ADDRESS;
    long x1 = (x + Math.min(1, last) * xStride) & ADDRESS;
    long x2 = (x + Math.min(2, last) * xStride) & ADDRESS;
    long x3 = (x + Math.min(3, last) * xStride) & ADDRESS;
    long x4 = (x + Math.min(4, last) * xStride) & ADDRESS;
    long x5 = (x + Math.min(5, last) * xStride) & ADDRESS;
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
    for (int k = 0; k < depth; k++) {
      FloatVector b0 = load(panel + (long) k * PANEL_BYTES);
      FloatVector b1 = load(panel + (long) k * PANEL_BYTES + BYTES);
      FloatVector a = spread(x0 + 4L * k);
      s00 = a.fma(b0, s00);
      s01 = a.fma(b1, s01);
      a = spread(x1 + 4L * k);
      s10 = a.fma(b0, s10);
      s11 = a.fma(b1, s11);
      a = spread(x2 + 4L * k);
      s20 = a.fma(b0, s20);
      s21 = a.fma(b1, s21);
      a = spread(x3 + 4L * k);
      s30 = a.fma(b0, s30);
      s31 = a.fma(b1, s31);
      a = spread(x4 + 4L * k);
      s40 = a.fma(b0, s40);
      s41 = a.fma(b1, s41);
      a = spread(x5 + 4L * k);
      s50 = a.fma(b0, s50);
      s51 = a.fma(b1, s51);
    }
    store(s00, sums);
    store(s01, sums + BYTES);
    store(s10, sums + 2 * BYTES);
    store(s11, sums + 3 * BYTES);
    store(s20, sums + 4 * BYTES);
    store(s21, sums + 5 * BYTES);
    store(s30, sums + 6 * BYTES);
    store(s31, sums + 7 * BYTES);
    store(s40, sums + 8 * BYTES);
    store(s41, sums + 9 * BYTES);
    store(s50, sums + 10 * BYTES);
    store(s51, sums + 11 * BYTES);
  }
}
