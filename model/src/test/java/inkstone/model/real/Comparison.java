package inkstone.model.real;

import inkstone.tensor.Tensor;

/** Compares outputs with a golden as they come. */
interface Comparison {
  /**
   * Compares one output when the golden has it; fails over the tolerance, at the latest in {@link
   * #finish}.
   *
   * @param actual channels in the last dimension
   * @param tolerance of the largest error over the root mean square
   */
  void relative(String key, Tensor actual, double tolerance);

  /** The same with the largest error itself. */
  void absolute(String key, Tensor actual, double tolerance);

  /** Fails when an output of the golden was never given. */
  void finish();
}
