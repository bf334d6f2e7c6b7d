package inkstone.model.image;

/**
 * The size rules of the pipelines and of the vision processor. All rounding is Python's: to
 * nearest, ties to even, on doubles.
 */
public final class Sizes {
  /** The vision processor's own limit on width over height or height over width. */
  public static final int MAX_ASPECT = 200;

  private Sizes() {}

  /**
   * The size of about {@code area} pixels with aspect {@code ratio} (width over height), each side
   * a multiple of 32; {@code calculate_dimensions} of diffusers' {@code
   * pipeline_qwenimage_edit_plus.py}.
   *
   * @throws IllegalArgumentException when the ratio is so extreme that a side rounds to 0
   */
  public static Size calculateDimensions(long area, double ratio) {
    if (area <= 0 || !(ratio > 0) || Double.isInfinite(ratio)) {
      throw new IllegalArgumentException(
          "Sizes.calculateDimensions: expected a positive area and ratio, got area "
              + area
              + " and ratio "
              + ratio);
    }
    double width = Math.sqrt(area * ratio);
    double height = width / ratio;
    double roundedWidth = Math.rint(width / 32) * 32;
    double roundedHeight = Math.rint(height / 32) * 32;
    if (roundedWidth < 32
        || roundedHeight < 32
        || roundedWidth > 1 << 24
        || roundedHeight > 1 << 24) {
      throw new IllegalArgumentException(
          "Sizes.calculateDimensions: aspect ratio, expected one that keeps both sides at 32 pixels or more at an area of "
              + area
              + ", got "
              + ratio
              + "; crop the picture");
    }
    return new Size((int) roundedWidth, (int) roundedHeight);
  }

  /** {@link #calculateDimensions(long, double)} with the aspect of {@code image}. */
  public static Size calculateDimensions(long area, Image image) {
    return calculateDimensions(area, image.size());
  }

  /** {@link #calculateDimensions(long, double)} with the aspect of a picture of that size. */
  public static Size calculateDimensions(long area, Size picture) {
    try {
      return calculateDimensions(area, (double) picture.width() / picture.height());
    } catch (IllegalArgumentException e) {
      throw new IllegalArgumentException(
          "picture of "
              + picture
              + ": too narrow for the model, whose pictures have about "
              + area
              + " pixels and sides in steps of 32; crop it",
          e);
    }
  }

  /**
   * The size at which the vision tower sees a picture: both sides multiples of {@code factor}, the
   * area within {@code minPixels} and {@code maxPixels}; {@code smart_resize} of transformers'
   * {@code image_processing_qwen2_vl.py}.
   *
   * @throws IllegalArgumentException when one side is more than 200 times the other, or when the
   *     limits leave no size
   */
  public static Size smartResize(
      int height, int width, int factor, long minPixels, long maxPixels) {
    if (height <= 0 || width <= 0 || factor <= 0) {
      throw new IllegalArgumentException(
          "Sizes.smartResize: expected positive height, width and factor, got "
              + height
              + ", "
              + width
              + ", "
              + factor);
    }
    double aspect = (double) Math.max(height, width) / Math.min(height, width);
    if (aspect > MAX_ASPECT) {
      throw new IllegalArgumentException(
          "Sizes.smartResize: aspect ratio, expected at most "
              + MAX_ASPECT
              + ", got "
              + aspect
              + "; crop the picture");
    }
    double f = factor;
    double h = Math.rint(height / f) * f;
    double w = Math.rint(width / f) * f;
    double pixels = (double) height * width;
    if (h * w > maxPixels) {
      double beta = Math.sqrt(pixels / maxPixels);
      h = Math.max(f, Math.floor(height / beta / f) * f);
      w = Math.max(f, Math.floor(width / beta / f) * f);
    } else if (h * w < minPixels) {
      double beta = Math.sqrt(minPixels / pixels);
      h = Math.ceil(height * beta / f) * f;
      w = Math.ceil(width * beta / f) * f;
    }
    if (h < 1 || w < 1 || h > 1 << 24 || w > 1 << 24) {
      throw new IllegalArgumentException(
          "Sizes.smartResize: "
              + width
              + "x"
              + height
              + " with "
              + minPixels
              + " to "
              + maxPixels
              + " pixels, expected a usable size, got "
              + w
              + "x"
              + h
              + "; check min_pixels and max_pixels of the processor's configuration");
    }
    return new Size((int) w, (int) h);
  }
}
