package inkstone.model.pipeline;

import inkstone.model.image.Image;
import inkstone.model.image.Resize;
import inkstone.model.image.Size;

/**
 * A reference as a part of the model sees it. It is scaled when its pixels are first asked for:
 * whoever finds a remembered value never asks.
 */
final class PictureView {
  private final Image source;
  private final Size size;
  private Image pixels;

  PictureView(Image source, Size size) {
    this.source = source;
    this.size = size;
  }

  Size size() {
    return size;
  }

  Image pixels() {
    if (pixels == null) {
      pixels = Resize.lanczos(source, size.width(), size.height());
    }
    return pixels;
  }

  ContentKey.Seen seen() {
    return new ContentKey.Seen(source.digest(), size);
  }
}
