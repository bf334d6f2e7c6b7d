package inkstone.kernel;

/**
 * Fetches one tile of keys or values of a head as interleaved rows of {@link VectorTile}, widened
 * to F32. A tile is cut by key numbers only and may cross the borders of segments, so that results
 * don't depend on where keys lie.
 */
final class VectorKeyTiles {
  private static final int ROWS = VectorTile.ROWS;
  private static final int STRIDE = VectorTile.STRIDE;

  private VectorKeyTiles() {}

  /** Scratch of both methods: the widened rows of a tile. */
  static long scratchBytes(int headDim) {
    return 4L * VectorAttention.KEYS * headDim;
  }

  /** Numbers of {@code rows} interleaved rows of {@code depth}. */
  static int floats(int rows, int depth) {
    return (rows + ROWS - 1) / ROWS * step(depth);
  }

  /** Keys {@code [key, key + keys)} as rows: {@code [keys, headDim]}. */
  static void keys(float[] to, AttentionArgs a, int kvHead, long key, int keys, long scratch) {
    int d = a.headDim();
    KeySegment s = a.segments().get(a.segmentOf(key));
    long from = scratch;
    long stride = 4L * d;
    if (s.kType() == ElementType.F32 && key + keys <= s.to()) {
      from = s.k() + 4 * a.offset(s, key, kvHead);
      stride = 4L * a.kvHeads() * d;
    } else {
      widenKeys(scratch, a, kvHead, key, keys);
    }
    for (int row = 0; row < keys; row += ROWS) {
      int last = Math.min(ROWS, keys - row) - 1;
      VectorRows.interleave(to, row / ROWS * step(d), from + row * stride, stride, last, d);
    }
  }

  /** Keys, perhaps of several segments, as F32 rows one after the other. */
  private static void widenKeys(long to, AttentionArgs a, int kvHead, long key, int keys) {
    int d = a.headDim();
    int segment = a.segmentOf(key);
    for (int done = 0; done < keys; segment++) {
      KeySegment s = a.segments().get(segment);
      int end = (int) Math.min(keys, s.to() - key);
      for (int j = done; j < end; j++) {
        long row = s.k() + s.kType().bytes(a.offset(s, key + j, kvHead));
        VectorWiden.widen(to + 4L * j * d, row, s.kType(), 1, d);
      }
      done = end;
    }
  }

  /** Values {@code [key, key + keys)} as rows of channels: {@code [headDim, keys]}. */
  static void values(float[] to, AttentionArgs a, int kvHead, long key, int keys, long scratch) {
    int d = a.headDim();
    int segment = a.segmentOf(key);
    for (int done = 0; done < keys; segment++) {
      KeySegment s = a.segments().get(segment);
      int end = (int) Math.min(keys, s.to() - key);
      long from = s.v() + s.vType().bytes(a.offset(s, key + done, kvHead));
      long stride = s.vType().bytes((long) a.kvHeads() * d);
      for (int j = done; j < end; j += STRIDE) {
        int count = Math.min(STRIDE, end - j);
        long rows = from + (j - done) * stride;
        if (s.vType() == ElementType.F32) {
          spread(to, STRIDE * j, step(keys), rows, stride, count, d);
        } else {
          for (int r = 0; r < count; r++) {
            VectorWiden.widen(scratch + 4L * r * d, rows + r * stride, s.vType(), 1, d);
          }
          spread(to, STRIDE * j, step(keys), scratch, 4L * d, count, d);
        }
      }
      done = end;
    }
  }

  /**
   * Numbers between tiles of rows of {@code depth}: a cache line more than they have, since at the
   * distance of a power of two all would fall into the same places of L1.
   */
  static int step(int depth) {
    return STRIDE * depth + 16;
  }

  /** The channels of a few values to their rows, {@code step} numbers between tiles of rows. */
  private static void spread(
      float[] to, int at, int step, long from, long stride, int count, int d) {
    int i = at;
    for (int e = 0; e < d; e += ROWS, i += step) {
      int channels = Math.min(STRIDE, d - e);
      for (int j = 0; j < count; j++) {
        VectorMemory.copyFew(to, i + STRIDE * j, from + j * stride + 4L * e, channels);
      }
    }
  }
}
