package inkstone.kernel;

/** What becomes of the numbers of a matrix product while they are still in L1. */
public enum Epilogue {
  /** They are stored. */
  NONE,
  /** GELU, tanh form, as {@link UnaryOp#GELU_TANH}. */
  GELU_TANH,
  /** SiLU, as {@link UnaryOp#SILU}. */
  SILU,
  /** {@code out[r, c] += gate[c] * y[r, c]}, rounded after the product and after the sum. */
  ADD_GATED
}
