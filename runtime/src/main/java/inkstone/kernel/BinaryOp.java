package inkstone.kernel;

/** Functions of two numbers. */
public enum BinaryOp {
  /** {@code a + b}. */
  ADD,
  /** {@code silu(a) * b}. */
  SWIGLU
}
