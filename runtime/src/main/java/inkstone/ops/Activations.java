package inkstone.ops;

import inkstone.kernel.BinaryOp;
import inkstone.kernel.UnaryOp;
import inkstone.tensor.Tensor;

/** Activation functions, element by element. {@code out} may be x. */
public final class Activations {
  private Activations() {}

  /** {@code 0.5 x (1 + tanh(sqrt(2/π) (x + 0.044715 x³)))}. */
  public static void geluTanh(Compute c, Tensor out, Tensor x) {
    Elementwise.unary(c, "Activations.geluTanh", UnaryOp.GELU_TANH, out, x);
  }

  /** {@code 0.5 x (1 + erf(x / sqrt 2))}. */
  public static void gelu(Compute c, Tensor out, Tensor x) {
    Elementwise.unary(c, "Activations.gelu", UnaryOp.GELU_ERF, out, x);
  }

  /** {@code x / (1 + exp(-x))}. */
  public static void silu(Compute c, Tensor out, Tensor x) {
    Elementwise.unary(c, "Activations.silu", UnaryOp.SILU, out, x);
  }

  /** {@code silu(gate) * up}; {@code out} may be either. */
  public static void swiGlu(Compute c, Tensor out, Tensor gate, Tensor up) {
    Elementwise.binary(c, "Activations.swiGlu", BinaryOp.SWIGLU, out, gate, up);
  }
}
