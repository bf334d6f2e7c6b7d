package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Size;
import java.util.List;

/** Picture sizes in pixels to token grids. */
final class TargetSize {
  private TargetSize() {}

  /** Floors both sides to whole tokens, with a warning when that changes something. */
  static Size floor(List<String> warnings, Size size, int pixelsPerToken) {
    int width = size.width() / pixelsPerToken * pixelsPerToken;
    int height = size.height() / pixelsPerToken * pixelsPerToken;
    if (Math.max(width, height) > OutputSize.MAX_SIDE || Math.min(width, height) < pixelsPerToken) {
      throw new IllegalArgumentException(
          "size: expected sides of "
              + pixelsPerToken
              + " to "
              + OutputSize.MAX_SIDE
              + " pixels, got "
              + size.width()
              + "x"
              + size.height()
              + "; give -W and -H");
    }
    if (width != size.width() || height != size.height()) {
      warnings.add(
          "size "
              + size.width()
              + "x"
              + size.height()
              + " is floored to "
              + width
              + "x"
              + height
              + ": sides are multiples of "
              + pixelsPerToken);
    }
    return new Size(width, height);
  }

  static LatentGrid grid(Size size, int pixelsPerToken) {
    return new LatentGrid(size.height() / pixelsPerToken, size.width() / pixelsPerToken);
  }
}
