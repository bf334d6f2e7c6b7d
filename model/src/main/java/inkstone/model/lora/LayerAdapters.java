package inkstone.model.lora;

import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.List;

/** All changes of one layer's weight, in the order of their files. */
public final class LayerAdapters {
  private final List<Adapter> adapters;

  LayerAdapters(List<Adapter> adapters) {
    this.adapters = List.copyOf(adapters);
  }

  /**
   * {@code out += gate · Σ scale · (x · ΔWᵀ)} in every row; a row's bits depend on that row alone.
   *
   * @param out {@code [rows, out]}
   * @param gate {@code [out]}, or null for ones
   * @param x {@code [rows, in]}
   */
  public void add(Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x) {
    for (Adapter adapter : adapters) {
      adapter.add(compute, buffers, out, gate, x);
    }
  }
}
