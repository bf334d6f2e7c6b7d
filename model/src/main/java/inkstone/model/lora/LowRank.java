package inkstone.model.lora;

import inkstone.ops.Compute;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/**
 * LoRA: {@code ΔW = B · A}.
 *
 * @param down {@code A [rank, in]}
 * @param up {@code B [out, rank]}
 */
record LowRank(Tensor down, Tensor up, float scale) implements Adapter {
  @Override
  public void add(Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x) {
    Tensor low = buffers.low(x.dim(0), down.dim(0)); // [rows, rank]
    Linear.forward(compute, low, x, down, null);
    Tensor scaled = buffers.gate(compute, gate, up.dim(0), scale);
    Linear.addGated(compute, out, scaled, low, up, null); // [rows, out]
  }

  @Override
  public LoraNeeds needs() {
    return new LoraNeeds(down.dim(0), 0, 0, up.dim(0));
  }
}
