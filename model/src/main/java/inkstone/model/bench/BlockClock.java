package inkstone.model.bench;

import inkstone.model.debug.Taps;
import inkstone.tensor.Tensor;

/** Times the blocks of forwards: each from the checkpoint before it to its last tap. */
final class BlockClock implements Taps {
  private long started;
  private long ended;
  private long nanos;

  /** Starts anew. */
  void reset() {
    started = 0;
    ended = 0;
    nanos = 0;
  }

  @Override
  public void checkpoint() {
    nanos += ended - started;
    started = System.nanoTime();
    ended = started;
  }

  @Override
  public void tap(String key, Tensor value) {
    if (key.startsWith("transformer_blocks.")) {
      ended = System.nanoTime();
    }
  }

  /** Seconds of all blocks since the reset. */
  double seconds() {
    return (nanos + ended - started) / 1e9;
  }
}
