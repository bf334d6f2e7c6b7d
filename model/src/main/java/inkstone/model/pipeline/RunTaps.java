package inkstone.model.pipeline;

import inkstone.model.debug.Taps;
import inkstone.tensor.Tensor;

/** Hands tensors on to the caller's taps, and makes every checkpoint of a model obey the token. */
record RunTaps(CancelToken cancel, Taps taps) implements Taps {
  @Override
  public void tap(String key, Tensor value) {
    taps.tap(key, value);
  }

  @Override
  public void checkpoint() {
    cancel.throwIfCancelled();
    taps.checkpoint();
  }
}
