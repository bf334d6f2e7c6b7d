package inkstone.app.image;

import inkstone.model.image.Image;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The EXIF orientation of a picture: reading it from EXIF or XMP, and turning the pixels. */
final class Orientation {
  /** Stored as it is to be seen. */
  static final int UPRIGHT = 1;

  /** No orientation was found. */
  static final int ABSENT = 0;

  private static final int TAG = 0x0112;
  private static final int TYPE_BYTE = 1;
  private static final int TYPE_SHORT = 3;
  private static final int TYPE_LONG = 4;
  private static final int MAX_XMP = 1 << 20;
  private static final Pattern XMP = Pattern.compile("tiff:Orientation(?:=\"|>)([0-9])");

  private Orientation() {}

  /**
   * Orientation 1 to 8 from a TIFF block as EXIF carries it, or {@link #ABSENT}. Damage of any kind
   * means absent: a picture with broken EXIF is still a picture.
   */
  static int fromTiff(byte[] data, int offset, int length) {
    if (length < 14) {
      return ABSENT;
    }
    ByteBuffer tiff = ByteBuffer.wrap(data, offset, length).slice();
    int mark = tiff.getShort(0);
    if (mark == 0x4949) {
      tiff.order(ByteOrder.LITTLE_ENDIAN);
    } else if (mark != 0x4d4d) {
      return ABSENT;
    }
    long directory = tiff.getInt(4) & 0xffffffffL;
    if (tiff.getShort(2) != 42 || directory > length - 2) {
      return ABSENT;
    }
    int entries = tiff.getShort((int) directory) & 0xffff;
    for (int i = 0; i < entries; i++) {
      int at = (int) directory + 2 + i * 12;
      if (at + 12 > length) {
        return ABSENT;
      }
      if ((tiff.getShort(at) & 0xffff) == TAG) {
        int value =
            switch (tiff.getShort(at + 2)) {
              case TYPE_BYTE -> tiff.get(at + 8);
              case TYPE_SHORT -> tiff.getShort(at + 8);
              case TYPE_LONG -> tiff.getInt(at + 8);
              default -> ABSENT;
            };
        return tiff.getInt(at + 4) == 1 && value >= 1 && value <= 8 ? value : UPRIGHT;
      }
    }
    return ABSENT;
  }

  /** Orientation from an XMP packet, or {@link #ABSENT}. */
  static int fromXmp(byte[] data, int offset, int length) {
    String xmp = new String(data, offset, Math.min(length, MAX_XMP), StandardCharsets.ISO_8859_1);
    Matcher matcher = XMP.matcher(xmp);
    if (!matcher.find()) {
      return ABSENT;
    }
    int value = matcher.group(1).charAt(0) - '0';
    return value >= 1 && value <= 8 ? value : UPRIGHT;
  }

  /** The picture as it is to be seen; the same object where nothing turns. */
  static Image upright(Image image, int orientation) {
    if (orientation <= UPRIGHT || orientation > 8) {
      return image;
    }
    int w = image.width();
    int h = image.height();
    boolean swapped = orientation >= 5;
    Image result = swapped ? Image.blank(h, w) : Image.blank(w, h);
    byte[] in = image.rgb();
    byte[] out = result.rgb();
    int at = 0;
    for (int y = 0; y < result.height(); y++) {
      for (int x = 0; x < result.width(); x++) {
        int column =
            switch (orientation) {
              case 2, 3 -> w - 1 - x;
              case 4 -> x;
              case 5, 6 -> y;
              default -> w - 1 - y;
            };
        int row =
            switch (orientation) {
              case 2 -> y;
              case 3, 4 -> h - 1 - y;
              case 5, 8 -> x;
              default -> h - 1 - x;
            };
        int from = (row * w + column) * 3;
        out[at++] = in[from];
        out[at++] = in[from + 1];
        out[at++] = in[from + 2];
      }
    }
    return result;
  }
}
