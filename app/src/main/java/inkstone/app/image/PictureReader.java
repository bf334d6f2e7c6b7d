package inkstone.app.image;

import inkstone.model.image.Image;
import java.nio.file.Path;

/**
 * PNG and JPEG files as upright RGB pictures: EXIF orientation applied, alpha flattened over white,
 * grey, palette, CMYK and 16-bit pictures converted, colour profiles ignored, as Pillow's {@code
 * exif_transpose} and {@code convert("RGB")} do. Two differences from Pillow: 16-bit grey keeps its
 * upper 8 bits where Pillow clips at 255, and 16-bit colour keys compare all 16 bits.
 *
 * <p>Width times height is checked in the header, before any pixel is decoded.
 */
public final class PictureReader {
  /** 64 megapixels: 8192 x 8192. */
  public static final long DEFAULT_MAX_PIXELS = 64L << 20;

  private PictureReader() {}

  /**
   * Reads a file of at most {@link #DEFAULT_MAX_PIXELS} pixels.
   *
   * @throws PictureException naming the file, the cause and what to do
   */
  public static Image read(Path path) throws PictureException {
    return read(path, DEFAULT_MAX_PIXELS);
  }

  /** Reads a file of at most {@code maxPixels} pixels. */
  public static Image read(Path path, long maxPixels) throws PictureException {
    return decode(bytes(path), path.toString(), maxPixels);
  }

  /** A file's content, for {@link #decode}. */
  public static byte[] bytes(Path path) throws PictureException {
    return PictureFiles.readAll(path);
  }

  /**
   * Decodes a file's content.
   *
   * @param name what messages call it
   */
  public static Image decode(byte[] data, String name, long maxPixels) throws PictureException {
    PictureFormat format = PictureFormat.of(data);
    try {
      return switch (format) {
        case PNG -> PngDecoder.decode(data, name, maxPixels);
        case JPEG -> JpegDecoder.decode(data, name, maxPixels);
        case EMPTY ->
            throw new PictureException(
                "picture: the file is empty, expected a PNG or JPEG picture ("
                    + name
                    + "); get a new copy");
        case TEXT, HTML, PDF, ZIP, UNKNOWN ->
            throw new PictureException(
                "picture: expected a PNG or JPEG picture, got "
                    + format.noun
                    + " ("
                    + name
                    + "); choose another file");
        default ->
            throw new PictureException(
                "picture: expected PNG or JPEG, got "
                    + format.noun
                    + " ("
                    + name
                    + "); convert it to PNG first");
      };
    } catch (OutOfMemoryError e) {
      throw new PictureException(
          "picture: not enough memory to decode it ("
              + name
              + "); make it or the other pictures smaller, or raise the heap with INKSTONE_JAVA_OPTS=-Xmx2g",
          e);
    }
  }

  static void requirePixels(int width, int height, long maxPixels, String name)
      throws PictureException {
    long pixels = (long) width * height;
    if (pixels > maxPixels || pixels > (Integer.MAX_VALUE - 8) / 3) {
      throw new PictureException(
          "picture: "
              + width
              + "x"
              + height
              + " is too large, expected at most "
              + (maxPixels >> 20 > 0 ? (maxPixels >> 20) + " megapixels" : maxPixels + " pixels")
              + " ("
              + name
              + "); make it smaller");
    }
  }
}
