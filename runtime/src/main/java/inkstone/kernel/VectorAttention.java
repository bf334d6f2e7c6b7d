package inkstone.kernel;

/**
 * Fused attention: a block of queries meets one tile of keys after another with an online softmax,
 * so that no matrix of all scores exists. Everything is kept transposed, a lane a query: the
 * queries are the panels of {@link VectorTile}, keys and values its rows. The scores of a panel are
 * then themselves a panel, which stays in L1 until the values have met it, and the softmax needs no
 * sums across lanes.
 */
final class VectorAttention {
  private static final int ROWS = VectorTile.ROWS;
  private static final int STRIDE = VectorTile.STRIDE;
  private static final int PANEL = VectorTile.PANEL;
  private static final int PANEL_BYTES = VectorTile.PANEL_BYTES;
  private static final int TILE_BYTES = ROWS * PANEL_BYTES;

  /** Keys of a tile: the scores of a panel of queries fill the greater part of L1. */
  static final int KEYS = Kernels.K_BLOCK;

  /** Queries of a block: with their results they fill half a megabyte of L2. */
  static final int QUERIES = 512;

  /** Scratch of one call: where each part lies. */
  private record Layout(
      long queries, long results, long scores, long softmax, long widened, long pack, long end) {
    static Layout at(long scratch, int rows, int d) {
      int panels = (rows + PANEL - 1) / PANEL;
      long results = scratch + (long) panels * d * PANEL_BYTES; // panels [d, PANEL]
      long scores = results + panels * resultBytes(d); // panels [d, PANEL]
      long softmax = scores + (long) (KEYS + ROWS) * PANEL_BYTES; // [KEYS, PANEL]
      long widened = softmax + panels * VectorSoftmax.STATE_BYTES;
      long pack = widened + VectorKeyTiles.scratchBytes(d);
      return new Layout(
          scratch, results, scores, softmax, widened, pack, pack + VectorPack.SCRATCH_BYTES);
    }
  }

  private VectorAttention() {}

  /** Results of one panel, in whole tiles. */
  private static long resultBytes(int d) {
    return (long) (d + ROWS - 1) / ROWS * TILE_BYTES;
  }

  static long scratchBytes(int headDim) {
    return Layout.at(0, QUERIES, headDim).end;
  }

  static void attention(AttentionArgs a, AttentionBlock b, long scratch) {
    int d = a.headDim();
    int rows = Math.toIntExact(b.queryTo() - b.queryFrom());
    int panels = (rows + PANEL - 1) / PANEL;
    Layout at = Layout.at(scratch, rows, d);
    long rowBytes = 4L * a.heads() * d;
    long first = b.queryFrom() * rowBytes + 4L * b.head() * d;
    int kvHead = b.head() / (a.heads() / a.kvHeads());
    long keysEnd = Math.min(b.keyTo(), b.queryTo() + b.causalShift());
    VectorBuffers buffers = VectorBuffers.local();
    float[] keyRows = buffers.rows(VectorKeyTiles.floats(KEYS, d));
    float[] valueRows = buffers.values(VectorKeyTiles.floats(d, KEYS));
    VectorPack.pack(
        at.queries,
        (long) d * PANEL_BYTES,
        a.q() + first,
        ElementType.F32,
        1,
        (long) a.heads() * d,
        rows,
        d,
        at.pack);
    VectorMemory.clear(at.results, panels * resultBytes(d) / 4);
    for (int p = 0; p < panels; p++) {
      VectorSoftmax.start(at.softmax + p * VectorSoftmax.STATE_BYTES);
    }
    for (long key = b.keyFrom(); key < keysEnd; key += KEYS) {
      int keys = (int) Math.min(KEYS, keysEnd - key);
      VectorKeyTiles.keys(keyRows, a, kvHead, key, keys, at.widened);
      VectorKeyTiles.values(valueRows, a, kvHead, key, keys, at.widened);
      long bias = a.keyBias() == 0 ? 0 : a.keyBias() + 4 * key;
      for (int p = 0; p < panels; p++) {
        // Keys of this tile that the panel's first query sees; each further query sees one more.
        long seen = b.queryFrom() + (long) p * PANEL + b.causalShift() + 1 - key;
        if (seen + PANEL - 1 <= 0) {
          continue;
        }
        int visible = (int) Math.min(seen, keys);
        long state = at.softmax + p * VectorSoftmax.STATE_BYTES;
        long results = at.results + p * resultBytes(d);
        long panel = at.queries + (long) p * d * PANEL_BYTES;
        for (int row = 0; row < keys; row += ROWS) {
          dot(buffers, keyRows, row / ROWS * VectorKeyTiles.step(d), d, panel);
          long tile = at.scores + (long) row * PANEL_BYTES;
          int count = Math.min(ROWS, keys - row);
          VectorSoftmax.scores(
              tile, buffers.sums, count, a.scale(), bias == 0 ? 0 : bias + 4L * row);
          if (row + count > visible) {
            VectorSoftmax.hide(tile, count, visible - row);
          }
        }
        if (VectorSoftmax.weigh(at.scores, keys, state)) {
          VectorSoftmax.rescale(results, d, state);
        }
        for (int e = 0; e < d; e += ROWS) {
          int group = e / ROWS;
          int from = group * VectorKeyTiles.step(keys);
          VectorTile.multiply(buffers.sums, valueRows, from, keys, at.scores);
          VectorTile.add(results + (long) group * TILE_BYTES, buffers.sums);
        }
      }
    }
    for (int p = 0; p < panels; p++) {
      long results = at.results + p * resultBytes(d);
      VectorSoftmax.divide(results, d, at.softmax + p * VectorSoftmax.STATE_BYTES);
      int count = Math.min(PANEL, rows - p * PANEL);
      write(a.out() + first + (long) p * PANEL * rowBytes, rowBytes, results, d, count, buffers);
    }
  }

  /** Scores of one tile of keys to {@code buffers.sums}, cut at K_BLOCK. */
  private static void dot(VectorBuffers buffers, float[] keyRows, int at, int d, long panel) {
    int depth = Math.min(Kernels.K_BLOCK, d);
    VectorTile.multiply(buffers.sums, keyRows, at, depth, panel);
    for (int e = depth; e < d; e += Kernels.K_BLOCK) {
      depth = Math.min(Kernels.K_BLOCK, d - e);
      long part = panel + (long) e * PANEL_BYTES;
      VectorTile.multiply(buffers.more, keyRows, at + STRIDE * e, depth, part);
      VectorTile.add(buffers.sums, buffers.more);
    }
  }

  /** Results {@code [d, PANEL]} of a panel to {@code count} rows of d numbers. */
  private static void write(
      long out, long rowBytes, long results, int d, int count, VectorBuffers buffers) {
    float[] turned = buffers.sums;
    for (int e = 0; e < d; e += STRIDE) {
      int channels = Math.min(STRIDE, d - e);
      long from = results + (long) e * PANEL_BYTES;
      VectorRows.interleave(turned, 0, from, PANEL_BYTES, channels - 1, PANEL);
      for (int q = 0; q < count; q++) {
        VectorMemory.copyFew(out + q * rowBytes + 4L * e, turned, STRIDE * q, channels);
      }
    }
  }
}
