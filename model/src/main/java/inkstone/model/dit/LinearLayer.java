package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.ops.Compute;
import inkstone.ops.Gemv;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/**
 * Weight and bias of one {@code nn.Linear}.
 *
 * @param weight {@code [out, in]}
 * @param bias {@code [out]}
 */
record LinearLayer(Tensor weight, Tensor bias) {
  static LinearLayer read(Weights weights, long in, long out) throws CheckpointException {
    return new LinearLayer(weights.tensor("weight", out, in), weights.tensor("bias", out));
  }

  /** {@code out[rows, out] = x[rows, in] · weightᵀ + bias}. */
  void forward(Compute compute, Tensor out, Tensor x) {
    Linear.forward(compute, out, x, weight, bias);
  }

  /** {@link #forward}, then GELU in its tanh form. */
  void geluTanh(Compute compute, Tensor out, Tensor x) {
    Linear.geluTanh(compute, out, x, weight, bias);
  }

  /** {@code out += gate * (x · weightᵀ + bias)}. */
  void addGated(Compute compute, Tensor out, Tensor gate, Tensor x) {
    Linear.addGated(compute, out, gate, x, weight, bias);
  }

  /** The same for a layer that only ever sees the rows of the conditioning, one or two. */
  void forwardFewRows(Compute compute, Tensor out, Tensor x) {
    Gemv.forward(compute, out, x, weight, bias);
  }
}
