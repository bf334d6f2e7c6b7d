package inkstone.kernel;

/**
 * Matrix products. Weights are packed into panels of two vectors of columns, k by k; rows of x are
 * interleaved; the register tile of {@link VectorTile} runs over both. Linear layers of any row
 * count and convolutions share the one tile, so that there is one reduction order and little code
 * to warm up. See docs/kernels.md.
 */
final class VectorGemm {
  private static final int ROWS = VectorTile.ROWS;
  private static final int PANEL = VectorTile.PANEL;
  private static final int PANEL_BYTES = VectorTile.PANEL_BYTES;
  private static final int TILE_BYTES = ROWS * PANEL_BYTES;

  /** Columns packed at a time: with K_BLOCK they fill three quarters of a megabyte of L2. */
  private static final int N_BLOCK = 768;

  /** Tiles of rows that are interleaved at a time. */
  private static final int TILES = 8;

  /** Rows that meet a packed block of weights, a multiple of both tile heights. */
  private static final int MOST_ROWS = 2304;

  private static final long BLOCK_BYTES = 4L * N_BLOCK * Kernels.K_BLOCK;
  private static final long BIAS_BYTES = 4L * N_BLOCK;

  private VectorGemm() {}

  /** Scratch of {@link #gemm} for at most {@code rows} rows and {@code n} columns. */
  static long scratchBytes(long rows, int n) {
    long sums = sumsBytes(Math.min(rows, MOST_ROWS), Math.min(n, N_BLOCK));
    return BLOCK_BYTES + BIAS_BYTES + VectorPack.SCRATCH_BYTES + sums;
  }

  /** Bytes of the sums of {@link #product}. */
  static long sumsBytes(long rows, int n) {
    return (rows + ROWS - 1) / ROWS * (padded(n) / PANEL) * TILE_BYTES;
  }

  /** Columns rounded up to whole panels. */
  static int padded(int n) {
    return (n + PANEL - 1) / PANEL * PANEL;
  }

  /** As {@link Kernels#gemm}: packs a block of weights at a time and multiplies all rows by it. */
  static void gemm(GemmArgs g, long rowFrom, long rowTo, int nFrom, int nTo, long scratch) {
    for (long row = rowFrom; row < rowTo; row += MOST_ROWS) {
      int rows = (int) Math.min(MOST_ROWS, rowTo - row);
      for (int n = nFrom; n < nTo; n += N_BLOCK) {
        columns(g, row, rows, n, Math.min(N_BLOCK, nTo - n), scratch);
      }
    }
  }

  private static void columns(GemmArgs g, long row, int rows, int n, int columns, long scratch) {
    long bias = scratch + BLOCK_BYTES;
    long packScratch = bias + BIAS_BYTES;
    long sums = packScratch + VectorPack.SCRATCH_BYTES;
    VectorMemory.clear(bias, padded(columns));
    if (g.bias() != 0) {
      VectorMemory.copy(bias, g.bias() + 4L * n, columns);
    }
    for (int k = 0; k < g.k(); k += Kernels.K_BLOCK) {
      int depth = Math.min(Kernels.K_BLOCK, g.k() - k);
      long panelStride = (long) depth * PANEL_BYTES;
      long weight = g.weight() + g.type().bytes((long) n * g.k() + k);
      VectorPack.pack(
          scratch, panelStride, weight, g.type(), g.scale(), g.k(), columns, depth, packScratch);
      block(
          sums,
          k == 0 ? bias : 0,
          k + depth == g.k() ? g.out() + (row * g.outStride() + n) * 4 : 0,
          4 * g.outStride(),
          g.epilogue(),
          g.gate() + 4L * n,
          g.x() + (row * g.xStride() + k) * 4,
          4 * g.xStride(),
          rows,
          scratch,
          panelStride,
          columns,
          depth);
    }
  }

  /**
   * {@code out[M, N] = x[M, K] · packed + bias}, cut at {@link Kernels#K_BLOCK}.
   *
   * @param bias address of N floats, rounded up to whole panels
   * @param packed panels of {@code k} rows each
   * @param sums scratch of {@link #sumsBytes}
   */
  static void product(
      long out,
      long outStride,
      long bias,
      long x,
      long xStride,
      int rows,
      long packed,
      int n,
      int k,
      long sums) {
    for (int from = 0; from < k; from += Kernels.K_BLOCK) {
      int depth = Math.min(Kernels.K_BLOCK, k - from);
      block(
          sums,
          from == 0 ? bias : 0,
          from + depth == k ? out : 0,
          outStride,
          Epilogue.NONE,
          0,
          x + 4L * from,
          xStride,
          rows,
          packed + (long) from * PANEL_BYTES,
          (long) k * PANEL_BYTES,
          n,
          depth);
    }
  }

  /**
   * One block of k. Some rows are interleaved; then each panel, in L1, meets all their tiles. The
   * sums so far lie tile after tile in the order of the loops, so that every block of k streams
   * through them; only the last one writes rows of {@code out}.
   *
   * @param bias what the first block's sums are added to; 0 for the sums so far
   * @param out rows of the result in the last block, else 0
   */
  private static void block(
      long sums,
      long bias,
      long out,
      long outStride,
      Epilogue epilogue,
      long gate,
      long x,
      long xStride,
      int rows,
      long panels,
      long panelStride,
      int n,
      int depth) {
    VectorBuffers buffers = VectorBuffers.local();
    int tileFloats = VectorTile.STRIDE * depth;
    float[] close = buffers.rows(TILES * tileFloats);
    long tile = sums;
    for (int row = 0; row < rows; row += TILES * ROWS) {
      int tiles = Math.min(TILES, (rows - row + ROWS - 1) / ROWS);
      for (int t = 0; t < tiles; t++) {
        int at = row + t * ROWS;
        int last = Math.min(ROWS, rows - at) - 1;
        VectorRows.interleave(close, t * tileFloats, x + at * xStride, xStride, last, depth);
      }
      for (int column = 0; column < n; column += PANEL) {
        long panel = panels + column / PANEL * panelStride;
        for (int t = 0; t < tiles; t++) {
          VectorTile.multiply(buffers.sums, close, t * tileFloats, depth, panel);
          if (bias == 0) {
            VectorTile.add(tile, buffers.sums);
          } else {
            VectorTile.addBias(tile, bias + 4L * column, buffers.sums);
          }
          if (out != 0) {
            int at = row + t * ROWS;
            finish(
                out + at * outStride + 4L * column,
                outStride,
                tile,
                Math.min(ROWS, rows - at),
                Math.min(PANEL, n - column),
                epilogue,
                gate + 4L * column);
          }
          tile += TILE_BYTES;
        }
      }
    }
  }

  /** Results of one tile to their rows. */
  private static void finish(
      long out, long outStride, long tile, int rows, int columns, Epilogue epilogue, long gate) {
    switch (epilogue) {
      case NONE, ADD_GATED -> {}
      case GELU_TANH -> VectorElementwise.geluTanh(tile, tile, ROWS * PANEL);
      case SILU -> VectorElementwise.silu(tile, tile, ROWS * PANEL);
    }
    for (int r = 0; r < rows; r++) {
      long to = out + r * outStride;
      long from = tile + (long) r * PANEL_BYTES;
      if (epilogue == Epilogue.ADD_GATED) {
        VectorElementwise.addProduct(to, from, gate, columns);
      } else {
        VectorMemory.copy(to, from, columns);
      }
    }
  }
}
