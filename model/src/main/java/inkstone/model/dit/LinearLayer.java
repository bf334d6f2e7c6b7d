package inkstone.model.dit;

import inkstone.model.lora.LayerAdapters;
import inkstone.model.lora.LoraBuffers;
import inkstone.ops.Activations;
import inkstone.ops.Compute;
import inkstone.ops.Gemv;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/**
 * Weight and bias of one {@code nn.Linear}, and what LoRA files change of it. Without adapters each
 * method is its operation alone.
 *
 * @param weight {@code [out, in]}
 * @param bias {@code [out]}, with its changes
 * @param adapters changes of the weight, or null
 */
record LinearLayer(Tensor weight, Tensor bias, LayerAdapters adapters) {
  /** {@code out[rows, out] = x[rows, in] · weightᵀ + bias}. */
  void forward(Compute compute, LoraBuffers buffers, Tensor out, Tensor x) {
    Linear.forward(compute, out, x, weight, bias);
    addAdapters(compute, buffers, out, null, x);
  }

  /** {@link #forward}, then GELU in its tanh form. */
  void geluTanh(Compute compute, LoraBuffers buffers, Tensor out, Tensor x) {
    if (adapters == null) {
      Linear.geluTanh(compute, out, x, weight, bias);
    } else {
      forward(compute, buffers, out, x);
      Activations.geluTanh(compute, out, out);
    }
  }

  /** {@code out += gate * (x · weightᵀ + bias)}. */
  void addGated(Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x) {
    Linear.addGated(compute, out, gate, x, weight, bias);
    addAdapters(compute, buffers, out, gate, x);
  }

  /** {@link #forward} of a layer that only ever sees the rows of the conditioning, one or two. */
  void forwardFewRows(Compute compute, LoraBuffers buffers, Tensor out, Tensor x) {
    Gemv.forward(compute, out, x, weight, bias);
    addAdapters(compute, buffers, out, null, x);
  }

  private void addAdapters(
      Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x) {
    if (adapters != null) {
      adapters.add(compute, buffers, out, gate, x);
    }
  }
}
