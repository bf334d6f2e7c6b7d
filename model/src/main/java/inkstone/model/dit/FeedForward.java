package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.model.lora.LoraBuffers;
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
  FeedForward(LayerWeights weights, long innerDim) throws CheckpointException {
    proj = weights.linear("net.0.proj", innerDim, EXPANSION * innerDim);
    out = weights.linear("net.2", EXPANSION * innerDim, innerDim);
  }

  /** {@code hidden[rows, 4·D]} of {@code x[rows, D]}. */
  void expand(Compute compute, LoraBuffers lora, Tensor hidden, Tensor x) {
    proj.geluTanh(compute, lora, hidden, x); // [rows, 4·D]
  }

  /** Adds the result of some rows of {@code hidden} to {@code out[rows, D]}, times the gate. */
  void addGated(Compute compute, LoraBuffers lora, Tensor out, Tensor gate, Tensor hidden) {
    this.out.addGated(compute, lora, out, gate, hidden); // [rows, D]
  }
}
