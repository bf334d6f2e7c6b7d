package inkstone.ops;

import inkstone.kernel.Kernels;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * How far one tensor is from another: the square root of the quotient is the relative L2 error.
 *
 * @param differenceSquares sum of {@code (a - b)²}
 * @param referenceSquares sum of {@code b²}
 */
public record RowDifference(double differenceSquares, double referenceSquares) {
  private static final String OP = "RowDifference.squares";
  private static final int CHAINS = Kernels.SQUARE_CHAINS;
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * Sums over all elements, in double: rows in rising order, and within a row, which is everything
   * at one index of the first dimension, one order of additions. Thread count and vector width
   * don't change a bit. A NaN makes the sums that it is in NaN, an infinity infinite or NaN.
   *
   * @param a F32
   * @param b F32, the reference, of the same shape
   */
  public static RowDifference squares(Compute c, Tensor a, Tensor b) {
    Check.f32(OP, "a", a);
    Check.atLeastRank(OP, "a", a, 1);
    Check.sameShape(OP, "b", b, "a", a);
    if (a.elements() == 0) {
      return new RowDifference(0, 0);
    }
    long rows = a.dim(0);
    int channels = Check.size(OP, "elements of a row", a.elements() / rows, a);
    Kernels kernels = c.kernels();
    MemorySegment partial = c.segment(Compute.Slot.SUMS, 16L * CHAINS * rows);
    long sums = partial.address();
    long left = a.address();
    long right = b.address();
    c.forRange(
        rows,
        Elementwise.rowGranule(channels),
        (_, first, last) ->
            kernels.squares(
                sums + 16 * CHAINS * first,
                left + 4 * first * channels,
                right + 4 * first * channels,
                last - first,
                channels));
    double difference = 0;
    double reference = 0;
    for (long row = 0; row < rows; row++) {
      difference += sum(partial, 2 * CHAINS * row);
      reference += sum(partial, 2 * CHAINS * row + CHAINS);
    }
    return new RowDifference(difference, reference);
  }

  /** Partial sums in rising order. */
  private static double sum(MemorySegment partial, long from) {
    double sum = 0;
    for (int chain = 0; chain < CHAINS; chain++) {
      sum += partial.getAtIndex(DOUBLE, from + chain);
    }
    return sum;
  }
}
