package inkstone.model.lora;

import inkstone.ops.Compute;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/**
 * A difference of the whole weight.
 *
 * @param delta {@code [out, in]}, mapped as it is stored
 */
record WholeDelta(Tensor delta, float scale) implements Adapter {
  @Override
  public void add(Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x) {
    Tensor scaled = buffers.gate(compute, gate, delta.dim(0), scale);
    Linear.addGated(compute, out, scaled, x, delta, null); // [rows, out]
  }

  @Override
  public LoraNeeds needs() {
    return new LoraNeeds(0, 0, 0, delta.dim(0));
  }
}
