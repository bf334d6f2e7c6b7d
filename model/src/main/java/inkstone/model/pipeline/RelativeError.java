package inkstone.model.pipeline;

import inkstone.ops.Compute;
import inkstone.ops.RowDifference;
import inkstone.tensor.Tensor;

/** Relative L2 distance that is a number, or a failure: never a 0 that hides NaN. */
final class RelativeError {
  private RelativeError() {}

  /**
   * {@code ‖actual − expected‖ / ‖expected‖}; 0 when both are 0.
   *
   * @param what for the message
   * @throws UnfitModelException when it is no finite number
   */
  static double of(Compute compute, Tensor actual, Tensor expected, String what) {
    RowDifference squares = RowDifference.squares(compute, actual, expected);
    double difference = squares.differenceSquares();
    double reference = squares.referenceSquares();
    double error = difference == 0 && reference == 0 ? 0 : Math.sqrt(difference / reference);
    if (!Double.isFinite(error) || !Double.isFinite(reference)) {
      throw new UnfitModelException(
          "drift: "
              + what
              + ": expected finite numbers, got an error of "
              + error
              + " from squares of "
              + difference
              + " over "
              + reference
              + "; see whether edit makes a picture of this model and request");
    }
    return error;
  }
}
