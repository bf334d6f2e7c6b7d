package inkstone.model.pipeline;

import java.util.concurrent.CancellationException;

/** A request to stop, set from any thread and obeyed by a run before its next block. */
public final class CancelToken {
  private volatile boolean cancelled;

  /** Asks the run to stop; it ends with a {@link CancellationException} within one block. */
  public void cancel() {
    cancelled = true;
  }

  public boolean isCancelled() {
    return cancelled;
  }

  /** Throws {@link CancellationException} once {@link #cancel} was called. */
  public void throwIfCancelled() {
    if (cancelled) {
      throw new CancellationException("cancelled; nothing was written");
    }
  }
}
