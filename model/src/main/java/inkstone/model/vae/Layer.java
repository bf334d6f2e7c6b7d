package inkstone.model.vae;

import inkstone.tensor.Tensor;

/** One step of the encoder or decoder on channels-last activations. */
interface Layer {
  /**
   * Takes {@code x} {@code [H, W, C]} over, which the layer gives back to the pass, and returns a
   * tensor that the caller gives back.
   */
  Tensor forward(Pass pass, Tensor x);
}
