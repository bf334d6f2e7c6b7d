package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.ops.Activations;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;

/** {@code img_mlp} or {@code txt_mlp}: linear to 4·D, GELU (tanh form), linear back. */
final class FeedForward {
  /** Hidden channels for one channel of the stream. */
  static final int EXPANSION = 4;

  private final LinearLayer proj; // net.0.proj
  private final LinearLayer out; // net.2

  /**
   * @param weights cursor at {@code img_mlp} or {@code txt_mlp}
   */
  FeedForward(Weights weights, long innerDim) throws CheckpointException {
    proj = LinearLayer.read(weights.at("net.0.proj"), innerDim, EXPANSION * innerDim);
    out = LinearLayer.read(weights.at("net.2"), EXPANSION * innerDim, innerDim);
  }

  /**
   * Replaces the rows {@code x}.
   *
   * @param x {@code [rows, D]}
   * @param hidden {@code [rows, 4·D]}, scratch
   */
  void forward(Compute compute, Tensor x, Tensor hidden) {
    proj.forward(compute, hidden, x); // [rows, 4·D]
    Activations.geluTanh(compute, hidden, hidden); // [rows, 4·D]
    out.forward(compute, x, hidden); // [rows, D]
  }
}
