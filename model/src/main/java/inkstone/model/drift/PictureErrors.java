package inkstone.model.drift;

import inkstone.model.image.Image;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * How far a picture is from the one it should be.
 *
 * @param whole over all pixels
 * @param edited over the pixels that the edit changed; empty when there are none
 * @param preserved over the others; empty when there are none
 */
public record PictureErrors(
    PictureError whole, Optional<PictureError> edited, Optional<PictureError> preserved) {
  /** Larger differences of a colour value, of 255, count as visible. */
  public static final int VISIBLE = 8;

  /** Sums over the pixels and windows of one region. */
  private static final class Sums {
    private long pixels;
    private int max;
    private long differences;
    private long squares;
    private long visible;
    private long windows;
    private double ssim;

    void pixel(int red, int green, int blue) {
      int largest = Math.max(red, Math.max(green, blue));
      pixels++;
      max = Math.max(max, largest);
      differences += red + green + blue;
      squares += red * red + green * green + blue * blue;
      visible += largest > VISIBLE ? 1 : 0;
    }

    void window(double similarity) {
      windows++;
      ssim += similarity;
    }

    Optional<PictureError> error() {
      if (pixels == 0) {
        return Optional.empty();
      }
      double values = 3.0 * pixels;
      return Optional.of(
          new PictureError(
              pixels,
              max,
              differences / values,
              10 * Math.log10(255.0 * 255.0 * values / squares),
              windows == 0 ? OptionalDouble.empty() : OptionalDouble.of(ssim / windows),
              visible / (double) pixels));
    }
  }

  /**
   * Compares two pictures of equal size.
   *
   * @param region what the edit changed
   */
  public static PictureErrors of(Image actual, Image expected, EditedRegion region) {
    if (!actual.size().equals(expected.size())) {
      throw new IllegalArgumentException(
          "PictureErrors: picture, expected "
              + expected.size()
              + ", got "
              + actual.size()
              + "; compare pictures of one size");
    }
    Sums whole = new Sums();
    Sums edited = new Sums();
    Sums preserved = new Sums();
    int width = actual.width();
    byte[] a = actual.rgb();
    byte[] b = expected.rgb();
    for (int y = 0; y < actual.height(); y++) {
      for (int x = 0; x < width; x++) {
        int at = (y * width + x) * 3;
        int red = difference(a, b, at);
        int green = difference(a, b, at + 1);
        int blue = difference(a, b, at + 2);
        whole.pixel(red, green, blue);
        (region.contains(x, y) ? edited : preserved).pixel(red, green, blue);
      }
    }
    Ssim.scan(
        actual,
        expected,
        (x, y, ssim) -> {
          whole.window(ssim);
          (region.contains(x, y) ? edited : preserved).window(ssim);
        });
    return new PictureErrors(whole.error().orElseThrow(), edited.error(), preserved.error());
  }

  /** Largest difference of a colour value of pixel {@code i}. */
  static int largest(byte[] a, byte[] b, int i) {
    return Math.max(
        difference(a, b, 3 * i),
        Math.max(difference(a, b, 3 * i + 1), difference(a, b, 3 * i + 2)));
  }

  private static int difference(byte[] a, byte[] b, int at) {
    return Math.abs((a[at] & 0xff) - (b[at] & 0xff));
  }
}
