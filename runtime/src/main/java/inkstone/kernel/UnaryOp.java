package inkstone.kernel;

/** Functions of one number. */
public enum UnaryOp {
  /** {@code 0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))}. */
  GELU_TANH,
  /** {@code 0.5 x (1 + erf(x / sqrt 2))}. */
  GELU_ERF,
  /** {@code x / (1 + exp(-x))}. */
  SILU
}
