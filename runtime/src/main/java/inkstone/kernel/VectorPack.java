package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Packs rows of weights into panels: widened to F32 and transposed, so that the columns of a panel
 * lie next to each other. Squares of lanes by lanes are transposed in log2(lanes) passes, each of
 * which exchanges one bit of the row number with the same bit of the lane number.
 */
final class VectorPack {
  private static final int LANES = VectorShapes.LANES;
  private static final int BYTES = VectorShapes.BYTES;
  private static final int PANEL_BYTES = 2 * BYTES;

  /** Numbers of one row that are transposed at a time: the buffer stays in L1. */
  private static final int RUN = 128;

  private static final int RUN_BYTES = 4 * RUN;

  static final long SCRATCH_BYTES = (long) LANES * RUN_BYTES;

  private static final VectorShuffle<Float> UP_1 = shuffle(-1);
  private static final VectorShuffle<Float> UP_2 = shuffle(-2);
  private static final VectorShuffle<Float> UP_4 = shuffle(-4);
  private static final VectorShuffle<Float> UP_8 = shuffle(-8);
  private static final VectorShuffle<Float> DOWN_1 = shuffle(1);
  private static final VectorShuffle<Float> DOWN_2 = shuffle(2);
  private static final VectorShuffle<Float> DOWN_4 = shuffle(4);
  private static final VectorShuffle<Float> DOWN_8 = shuffle(8);
  private static final VectorMask<Float> BIT_1 = bit(1);
  private static final VectorMask<Float> BIT_2 = bit(2);
  private static final VectorMask<Float> BIT_4 = bit(4);
  private static final VectorMask<Float> BIT_8 = bit(8);

  private VectorPack() {}

  private static VectorShuffle<Float> shuffle(int by) {
    return VectorShuffle.fromOp(VectorShapes.FLOATS, i -> (i + by + LANES) % LANES);
  }

  private static VectorMask<Float> bit(int bit) {
    boolean[] lanes = new boolean[LANES];
    for (int i = 0; i < LANES; i++) {
      lanes[i] = (i & bit) != 0;
    }
    return VectorMask.fromArray(VectorShapes.FLOATS, lanes, 0);
  }

  /**
   * Packs {@code columns} rows of {@code depth} numbers.
   *
   * @param panels first panel; the others follow {@code panelStride} bytes apart; columns that fill
   *     up the last one are zero
   * @param from rows of {@code type}, {@code stride} elements apart
   * @param scratch {@link #SCRATCH_BYTES}
   */
  static void pack(
      long panels,
      long panelStride,
      long from,
      ElementType type,
      long stride,
      int columns,
      int depth,
      long scratch) {
    long rowBytes = stride * type.bytes();
    for (int column = 0; column < VectorGemm.padded(columns); column += LANES) {
      int rows = Math.clamp(columns - column, 0, LANES);
      long to = panels + column / VectorGemm.PANEL * panelStride + column % VectorGemm.PANEL * 4L;
      for (int k = 0; k < depth; k += RUN) {
        int run = Math.min(RUN, depth - k);
        int squares = (run + LANES - 1) / LANES;
        for (int r = 0; r < LANES; r++) {
          long line = scratch + (long) r * RUN_BYTES;
          int valid = r < rows ? run : 0;
          if (valid > 0) {
            VectorMemory.widen(
                line, from + (column + r) * rowBytes + (long) k * type.bytes(), type, valid);
          }
          if (valid < squares * LANES) {
            VectorMemory.clear(line + 4L * valid, squares * LANES - valid);
          }
        }
        transpose(scratch, to + (long) k * PANEL_BYTES, run, squares);
      }
    }
  }

  /** Squares side by side in {@code buffer} to {@code run} rows of a panel half. */
  private static void transpose(long buffer, long to, int run, int squares) {
    if (LANES >= 16) {
      pass(buffer, buffer, RUN_BYTES, BYTES, squares, 8, UP_8, DOWN_8, BIT_8);
    }
    if (LANES >= 8) {
      pass(buffer, buffer, RUN_BYTES, BYTES, squares, 4, UP_4, DOWN_4, BIT_4);
    }
    pass(buffer, buffer, RUN_BYTES, BYTES, squares, 2, UP_2, DOWN_2, BIT_2);
    int whole = run / LANES;
    pass(buffer, to, PANEL_BYTES, (long) LANES * PANEL_BYTES, whole, 1, UP_1, DOWN_1, BIT_1);
    if (whole < squares) {
      long last = buffer + (long) whole * BYTES;
      pass(last, last, RUN_BYTES, BYTES, 1, 1, UP_1, DOWN_1, BIT_1);
      for (int k = whole * LANES; k < run; k++) {
        store(load(last + (long) (k - whole * LANES) * RUN_BYTES), to + (long) k * PANEL_BYTES);
      }
    }
  }

  /** Exchanges bit {@code distance} of row and lane in every square. */
  private static void pass(
      long from,
      long to,
      long rowStride,
      long squareStride,
      int squares,
      int distance,
      VectorShuffle<Float> up,
      VectorShuffle<Float> down,
      VectorMask<Float> bit) {
    for (int i = 0; i < LANES; i++) {
      if ((i & distance) != 0) {
        continue;
      }
      long low = from + (long) i * RUN_BYTES;
      long high = low + (long) distance * RUN_BYTES;
      long lowTo = to + i * rowStride;
      long highTo = lowTo + distance * rowStride;
      for (int s = 0; s < squares; s++) {
        FloatVector a = load(low + (long) s * BYTES);
        FloatVector b = load(high + (long) s * BYTES);
        store(a.blend(b.rearrange(up), bit), lowTo + s * squareStride);
        store(a.rearrange(down).blend(b, bit), highTo + s * squareStride);
      }
    }
  }
}
