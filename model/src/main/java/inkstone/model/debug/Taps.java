package inkstone.model.debug;

import inkstone.tensor.Tensor;

/**
 * What a forward pass reports and asks while it runs. Every method does nothing by default.
 *
 * <p>Keys are PyTorch module paths of the reference (for example {@code transformer_blocks.0}), so
 * that a golden file and a run meet under one name. It is for debugging, parity tests and
 * cancellation; it is not a place to change values.
 */
public interface Taps {
  /** Reports nothing, asks nothing. */
  Taps NONE = new Taps() {};

  /**
   * One named intermediate value. The tensor is borrowed: a later layer overwrites its memory, so
   * an implementation that keeps it must copy it before it returns.
   */
  default void tap(String key, Tensor value) {}

  /**
   * Called before every block, decoder layer and residual block. An implementation throws {@link
   * java.util.concurrent.CancellationException} to stop the pass; the state of the pass stays
   * reusable.
   */
  default void checkpoint() {}
}
