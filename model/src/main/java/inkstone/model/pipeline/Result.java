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
 * @param peakBytes most off-heap memory in use at once, mapped weights not counted
 */
public record Result(
    Image image,
    long seed,
    Timings timings,
    Map<String, Object> metadata,
    List<String> warnings,
    long peakBytes) {
  public int width() {
    return image.width();
  }

  public int height() {
    return image.height();
  }
}
