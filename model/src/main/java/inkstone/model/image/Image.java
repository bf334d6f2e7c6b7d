package inkstone.model.image;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * An 8-bit RGB picture, row-major, three bytes a pixel. It knows neither files nor colour profiles;
 * alpha, palettes and orientation are resolved before one is made.
 *
 * <p>The bytes are shared with the caller, not copied; nobody changes them after construction:
 * {@link #digest} stands for them from the first time it is asked.
 */
public final class Image {
  private final int width;
  private final int height;
  private final byte[] rgb;
  private String digest;

  /**
   * @param rgb {@code width * height * 3} bytes
   * @throws IllegalArgumentException when a side is not positive or the byte count does not fit
   */
  public Image(int width, int height, byte[] rgb) {
    if (width <= 0 || height <= 0) {
      throw new IllegalArgumentException(
          "Image: size, expected both sides to be 1 or more, got " + width + "x" + height);
    }
    long bytes = (long) width * height * 3;
    if (rgb.length != bytes) {
      throw new IllegalArgumentException(
          "Image: bytes of a "
              + width
              + "x"
              + height
              + " picture, expected "
              + bytes
              + ", got "
              + rgb.length);
    }
    this.width = width;
    this.height = height;
    this.rgb = rgb;
  }

  /** A black picture. */
  public static Image blank(int width, int height) {
    long bytes = (long) width * height * 3;
    if (width <= 0 || height <= 0 || bytes > Integer.MAX_VALUE - 8) {
      throw new IllegalArgumentException(
          "Image.blank: size, expected both sides to be 1 or more and at most "
              + (Integer.MAX_VALUE - 8) / 3
              + " pixels, got "
              + width
              + "x"
              + height);
    }
    return new Image(width, height, new byte[(int) bytes]);
  }

  public int width() {
    return width;
  }

  public int height() {
    return height;
  }

  /** The pixels themselves, {@code [height, width, 3]}; read only. */
  public byte[] rgb() {
    return rgb;
  }

  public Size size() {
    return new Size(width, height);
  }

  /** SHA-256 of width, height and pixels, as hex; computed once. */
  public String digest() {
    String known = digest; // threads that race here compute the same
    if (known == null) {
      try {
        MessageDigest sha = MessageDigest.getInstance("SHA-256");
        sha.update(ByteBuffer.allocate(2 * Integer.BYTES).putInt(width).putInt(height).flip());
        known = HexFormat.of().formatHex(sha.digest(rgb));
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(
            "Image.digest: expected SHA-256, which every Java platform has; use another Java", e);
      }
      digest = known;
    }
    return known;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Image other
        && width == other.width
        && height == other.height
        && Arrays.equals(rgb, other.rgb);
  }

  @Override
  public int hashCode() {
    return (31 * width + height) * 31 + Arrays.hashCode(rgb);
  }

  @Override
  public String toString() {
    return "Image " + width + "x" + height;
  }
}
