package inkstone.model.pipeline;

import inkstone.model.image.Image;
import java.util.List;

/**
 * Pictures to edit many times. What the engine computes of a picture it remembers anyway, within
 * {@link EngineOptions#cacheBytes}; closing this forgets it at once. Requests that still run or
 * come later with the same pictures work, and compute it anew.
 */
public final class References implements AutoCloseable {
  private final ContentCache cache;
  private final List<Image> pictures;
  private volatile boolean closed;

  References(ContentCache cache, List<Image> pictures) {
    this.cache = cache;
    this.pictures = List.copyOf(pictures);
  }

  /**
   * The pictures, "Picture 1" first.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public List<Image> pictures() {
    if (closed) {
      throw new IllegalStateException("References: closed; take new ones from the engine");
    }
    return pictures;
  }

  /** Drops what the engine remembers of these pictures; waits for no job. */
  @Override
  public void close() {
    closed = true;
    pictures.forEach(picture -> cache.drop(picture.digest()));
  }
}
