package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.ops.Compute;
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
}
