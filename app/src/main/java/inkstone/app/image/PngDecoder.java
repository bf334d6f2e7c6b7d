package inkstone.app.image;

import inkstone.model.image.Image;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * PNG of every colour type and depth to RGB: alpha and colour keys flattened over white, 16 bits
 * cut to the upper 8, palettes resolved, colour profiles and gamma ignored. Written out here rather
 * than left to ImageIO, whose start-up costs more than the decoding of a picture.
 */
final class PngDecoder {
  private static final int[][] ADAM7 = {
    // x0, y0, dx, dy
    {0, 0, 8, 8}, {4, 0, 8, 8}, {0, 4, 4, 8}, {2, 0, 4, 4}, {0, 2, 2, 4}, {1, 0, 2, 2}, {0, 1, 1, 2}
  };
  private static final int[][] PLAIN = {{0, 0, 1, 1}};
  private static final String XMP_KEY = "XML:com.adobe.xmp\0";

  private final byte[] data;
  private final String name;
  private PngHeader header;
  private byte[] palette = {};
  private byte[] transparency = {};
  private int exifOrientation = Orientation.ABSENT;
  private int xmpOrientation = Orientation.ABSENT;

  private PngDecoder(byte[] data, String name) {
    this.data = data;
    this.name = name;
  }

  /** The upright picture; refuses more than {@code maxPixels} before anything is decoded. */
  static Image decode(byte[] data, String name, long maxPixels) throws PictureException {
    PngDecoder decoder = new PngDecoder(data, name);
    decoder.readChunks(maxPixels);
    Image image = decoder.decodePixels();
    int orientation =
        decoder.exifOrientation != Orientation.ABSENT
            ? decoder.exifOrientation
            : decoder.xmpOrientation;
    return Orientation.upright(image, orientation);
  }

  private void readChunks(long maxPixels) throws PictureException {
    PngChunks chunks = new PngChunks(data, name);
    if (!chunks.next()) {
      throw chunks.truncated();
    }
    header = PngHeader.read(chunks, data, name);
    PictureReader.requirePixels(header.width(), header.height(), maxPixels, name);
    boolean ended = false;
    boolean hasPixels = false;
    while (!ended && chunks.next()) {
      switch (chunks.type()) {
        case "PLTE" -> palette = content(chunks);
        case "tRNS" -> transparency = content(chunks);
        case "eXIf" ->
            exifOrientation = Orientation.fromTiff(data, chunks.offset(), chunks.length());
        case "iTXt" -> readXmp(chunks);
        case "IDAT" -> {
          chunks.requireIntact();
          hasPixels = true;
        }
        case "IEND" -> ended = true;
        default -> {}
      }
    }
    if (!hasPixels) {
      throw chunks.truncated();
    }
    if (header.color() == PngHeader.Color.PALETTE
        && (palette.length == 0 || palette.length % 3 != 0 || palette.length > 768)) {
      throw damaged("palette, expected 1 to 256 colours, got " + palette.length + " bytes", null);
    }
    int keyBytes = 2 * header.color().channels;
    if (transparency.length < keyBytes && header.color() != PngHeader.Color.PALETTE) {
      transparency = new byte[0];
    }
  }

  private byte[] content(PngChunks chunks) throws PictureException {
    chunks.requireIntact();
    int length = Math.min(chunks.length(), 1024);
    return Arrays.copyOfRange(data, chunks.offset(), chunks.offset() + length);
  }

  private void readXmp(PngChunks chunks) {
    byte[] key = XMP_KEY.getBytes(StandardCharsets.ISO_8859_1);
    int end = chunks.offset() + key.length;
    if (chunks.length() > key.length
        && Arrays.equals(data, chunks.offset(), end, key, 0, key.length)
        && data[end] == 0) {
      xmpOrientation = Orientation.fromXmp(data, end, chunks.length() - key.length);
    }
  }

  private Image decodePixels() throws PictureException {
    Image image = Image.blank(header.width(), header.height());
    PngPainter painter = new PngPainter(header, palette, transparency, image.rgb());
    int bytesPerPixel = Math.max(1, header.color().channels * header.depth() / 8);
    try (Inflater inflater = new Inflater()) {
      PngChunks source = new PngChunks(data, name);
      for (int[] pass : header.interlaced() ? ADAM7 : PLAIN) {
        int columns = Math.ceilDiv(header.width() - pass[0], pass[2]);
        if (columns <= 0) {
          continue;
        }
        int rowBytes = header.rowBytes(columns);
        byte[] row = new byte[1 + rowBytes];
        byte[] above = new byte[1 + rowBytes];
        for (int y = pass[1]; y < header.height(); y += pass[3]) {
          inflate(inflater, source, row);
          unfilter(row, above, bytesPerPixel);
          painter.paint(row, columns, y, pass[0], pass[2]);
          byte[] swap = above;
          above = row;
          row = swap;
        }
      }
    } catch (DataFormatException e) {
      throw damaged("compressed data is invalid", e);
    }
    return image;
  }

  /** Fills {@code row} with the next bytes of the compressed stream, over chunk borders. */
  private void inflate(Inflater inflater, PngChunks source, byte[] row)
      throws DataFormatException, PictureException {
    int filled = 0;
    while (filled < row.length) {
      int n = inflater.inflate(row, filled, row.length - filled);
      filled += n;
      if (n == 0) {
        if (inflater.finished() || inflater.needsDictionary()) {
          throw damaged("pixels end too early", null);
        }
        if (!nextPixels(source)) {
          throw source.truncated();
        }
        inflater.setInput(data, source.offset(), source.length());
      }
    }
  }

  private static boolean nextPixels(PngChunks source) throws PictureException {
    while (source.next()) {
      if (source.type().equals("IDAT")) {
        return true;
      }
      if (source.type().equals("IEND")) {
        return false;
      }
    }
    return false;
  }

  private void unfilter(byte[] row, byte[] above, int bpp) throws PictureException {
    switch (row[0]) {
      case 0 -> {}
      case 1 -> {
        for (int i = 1 + bpp; i < row.length; i++) {
          row[i] += row[i - bpp];
        }
      }
      case 2 -> {
        for (int i = 1; i < row.length; i++) {
          row[i] += above[i];
        }
      }
      case 3 -> {
        for (int i = 1; i < row.length; i++) {
          int left = i > bpp ? row[i - bpp] & 0xff : 0;
          row[i] += (byte) ((left + (above[i] & 0xff)) >> 1);
        }
      }
      case 4 -> {
        for (int i = 1; i < row.length; i++) {
          int left = i > bpp ? row[i - bpp] & 0xff : 0;
          int corner = i > bpp ? above[i - bpp] & 0xff : 0;
          row[i] += (byte) paeth(left, above[i] & 0xff, corner);
        }
      }
      default -> throw damaged("row filter, expected 0 to 4, got " + (row[0] & 0xff), null);
    }
  }

  /** Of left, above and corner the one nearest to left + above - corner. */
  static int paeth(int left, int up, int corner) {
    int toLeft = Math.abs(up - corner);
    int toUp = Math.abs(left - corner);
    int toCorner = Math.abs(left + up - 2 * corner);
    if (toLeft <= toUp && toLeft <= toCorner) {
      return left;
    }
    return toUp <= toCorner ? up : corner;
  }

  private PictureException damaged(String what, Throwable cause) {
    return new PictureException(
        "picture: PNG: " + what + " (" + name + "); the file is damaged, get a new copy", cause);
  }
}
