package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.model.lora.LoraSet;
import inkstone.tensor.Tensor;

/**
 * A cursor over the transformer's weights and over what LoRA files change of them, for the
 * constructors.
 *
 * @param path module path from the transformer's root
 */
record LayerWeights(Weights weights, LoraSet loras, String path) {
  LayerWeights at(String module) {
    return new LayerWeights(
        weights.at(module), loras, path.isEmpty() ? module : path + "." + module);
  }

  LayerWeights at(String module, int i) {
    return at(module + "." + i);
  }

  Tensor tensor(String name, long... shape) throws CheckpointException {
    return weights.tensor(name, shape);
  }

  /** The linear layer at {@code module}. */
  LinearLayer linear(String module, long in, long out) throws CheckpointException {
    LayerWeights layer = at(module);
    return new LinearLayer(
        layer.tensor("weight", out, in),
        loras.bias(layer.path, layer.tensor("bias", out)),
        loras.layer(layer.path));
  }
}
