package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/**
 * A convolution with kernel size 1, which is a linear layer over the channels of each pixel. The
 * weights stay mapped in the type of the file.
 */
final class PointwiseConv {
  private final Tensor weight;
  private final Tensor bias;

  private PointwiseConv(Tensor weight, Tensor bias) {
    this.weight = weight;
    this.bias = bias;
  }

  /** Reads {@code weight [out, in, 1, 1, 1]} and {@code bias [out]}. */
  static PointwiseConv causal(Weights at, int in, int out) throws CheckpointException {
    return new PointwiseConv(
        at.tensor("weight", out, in, 1, 1, 1).view(out, in), at.tensor("bias", out));
  }

  /** Reads {@code weight [out, in, 1, 1]} and {@code bias [out]}. */
  static PointwiseConv spatial(Weights at, int in, int out) throws CheckpointException {
    return new PointwiseConv(
        at.tensor("weight", out, in, 1, 1).view(out, in), at.tensor("bias", out));
  }

  /** The output channels {@code [from, to)} alone. */
  PointwiseConv outputs(int from, int to) {
    return new PointwiseConv(weight.rows(from, to), bias.rows(from, to));
  }

  /** {@code [.., in]} to {@code [.., out]}; {@code x} stays alive. */
  Tensor forward(Pass pass, String name, Tensor x) {
    long[] dims = x.shape().toArray();
    dims[dims.length - 1] = weight.dim(0);
    Tensor out = pass.take(name, dims);
    pass.run(c -> Linear.forward(c, out, x, weight, bias));
    return out; // [.., out]
  }
}
