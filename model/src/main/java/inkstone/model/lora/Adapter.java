package inkstone.model.lora;

import inkstone.ops.Compute;
import inkstone.tensor.Tensor;

/** One file's change of one layer. */
sealed interface Adapter permits LowRank, Hadamard, KroneckerFactors, WholeDelta {
  /**
   * {@code out += gate · scale · (x · ΔWᵀ)} in every row; a row's bits depend on that row alone.
   *
   * @param out {@code [rows, out]}
   * @param gate {@code [out]}, or null for ones
   * @param x {@code [rows, in]}
   */
  void add(Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x);

  LoraNeeds needs();
}
