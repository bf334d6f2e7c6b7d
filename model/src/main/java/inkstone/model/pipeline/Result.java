package inkstone.model.pipeline;

import inkstone.model.image.Image;
import java.util.List;
import java.util.Map;

/**
 * A finished picture and how it came to be.
 *
 * @param metadata what made it, in the order to print it: enough to make it again from the same
 *     model and pictures. Values are strings, numbers, booleans and lists of them
 * @param warnings what the user should know, such as a size that was floored
 * @param cacheStats what the steps reused
 * @param peakBytes most off-heap memory of the run in use at once; mapped weights and what the
 *     engine remembers are not counted
 * @param reuse what the run found remembered, of each kind; not part of {@code metadata}, since
 *     equal requests give equal pictures whatever was remembered
 */
public record Result(
    Image image,
    long seed,
    Timings timings,
    Map<String, Object> metadata,
    List<String> warnings,
    CacheStats cacheStats,
    long peakBytes,
    Map<CacheKind, ReuseStats> reuse) {
  public int width() {
    return image.width();
  }

  public int height() {
    return image.height();
  }
}
