package inkstone.kernel;

import static inkstone.kernel.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Packs rows of weights into panels: widened to F32 and transposed, so that the columns of a panel
 * lie next to each other. {@link VectorRows} transposes eight columns at a time; here they are
 * joined.
 */
final class VectorPack {
  private static final int LANES = VectorShapes.LANES;
  private static final int PANEL = VectorTile.PANEL;
  private static final int PANEL_BYTES = VectorTile.PANEL_BYTES;

  /** Columns that are transposed at a time. */
  private static final int GROUP = VectorTile.STRIDE;

  /** Numbers of one row at a time: the longest block of a weight type, and the buffers fit L1. */
  private static final int RUN = 256;

  private static final int RUN_BYTES = 4 * RUN;

  /** Of a group of widened rows. */
  static final long SCRATCH_BYTES = (long) GROUP * RUN_BYTES;

  /** Numbers of the buffer of a vector of columns. */
  static final int BUFFER = Math.max(LANES, GROUP) * RUN;

  private static final VectorShuffle<Float> UP = VectorRows.shuffle(-LANES / 2);
  private static final VectorShuffle<Float> DOWN = VectorRows.shuffle(LANES / 2);
  private static final VectorMask<Float> UPPER = VectorRows.bit(LANES / 2);

  private VectorPack() {}

  /**
   * Packs {@code columns} rows of {@code depth} numbers. Columns that fill up the last panel repeat
   * the last one.
   *
   * @param panels first panel; the others follow {@code panelStride} bytes apart
   * @param scale of each number, as in {@link GemmArgs}
   * @param from rows of {@code type}, {@code stride} elements apart, that start at a block
   * @param scratch {@link #SCRATCH_BYTES}
   */
  static void pack(
      long panels,
      long panelStride,
      long from,
      ElementType type,
      float scale,
      long stride,
      int columns,
      int depth,
      long scratch) {
    float[] buffer = VectorBuffers.local().columns;
    long rowBytes = type.bytes(stride);
    int step = Math.max(LANES, GROUP);
    for (int k = 0; k < depth; k += RUN) {
      int run = Math.min(RUN, depth - k);
      long start = from + type.bytes(k);
      for (int column = 0; column < VectorGemm.padded(columns); column += step) {
        for (int group = 0; group < step; group += GROUP) {
          int first = Math.min(column + group, columns - 1);
          int last = Math.min(GROUP, columns - first) - 1;
          long rows = start + first * rowBytes;
          if (type == ElementType.F32 && scale == 1) {
            VectorRows.interleave(buffer, group * RUN, rows, rowBytes, last, run);
          } else {
            for (int r = 0; r <= last; r++) {
              long to = scratch + (long) r * RUN_BYTES;
              VectorWiden.widen(to, rows + r * rowBytes, type, scale, run);
            }
            VectorRows.interleave(buffer, group * RUN, scratch, RUN_BYTES, last, run);
          }
        }
        long panel = panels + column / PANEL * panelStride + column % PANEL * 4L;
        join(panel + (long) k * PANEL_BYTES, buffer, run);
      }
    }
  }

  /** Groups of eight columns to rows of a panel. */
  private static void join(long to, float[] buffer, int run) {
    if (LANES == 16) {
      int pairs = run & -2;
      for (int k = 0; k < pairs; k += 2) {
        FloatVector a = at(buffer, GROUP * k);
        FloatVector b = at(buffer, GROUP * (RUN + k));
        store(a.blend(b.rearrange(UP), UPPER), to + (long) k * PANEL_BYTES);
        store(a.rearrange(DOWN).blend(b, UPPER), to + (long) (k + 1) * PANEL_BYTES);
      }
      if (pairs < run) {
        FloatVector a = at(buffer, GROUP * pairs);
        FloatVector b = at(buffer, GROUP * (RUN + pairs));
        store(a.blend(b.rearrange(UP), UPPER), to + (long) pairs * PANEL_BYTES);
      }
    } else {
      for (int k = 0; k < run; k++) {
        for (int i = 0; i < GROUP; i += LANES) {
          store(at(buffer, GROUP * k + i), to + (long) k * PANEL_BYTES + 4L * i);
        }
      }
    }
  }

  private static FloatVector at(float[] buffer, int i) {
    return FloatVector.fromArray(VectorShapes.FLOATS, buffer, i);
  }
}
