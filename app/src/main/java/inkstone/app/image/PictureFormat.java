package inkstone.app.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;

/** What the first bytes of a file say it is. Only PNG and JPEG are read; the others get a name. */
enum PictureFormat {
  PNG("PNG"),
  JPEG("JPEG"),
  WEBP("a WebP picture"),
  GIF("a GIF picture"),
  BMP("a BMP picture"),
  TIFF("a TIFF picture"),
  HEIF("a HEIC or AVIF picture"),
  JPEG_XL("a JPEG XL picture"),
  JPEG_2000("a JPEG 2000 picture"),
  PSD("a Photoshop file"),
  ICO("an icon file"),
  SVG("an SVG drawing"),
  HTML("a web page"),
  PDF("a PDF document"),
  ZIP("a ZIP archive"),
  EMPTY("an empty file"),
  TEXT("a text file"),
  UNKNOWN("a file of another kind");

  private static final int TEXT_PROBE = 512;
  private static final byte[] PNG_SIGNATURE = {(byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};

  /** The format as a noun, for messages. */
  final String noun;

  PictureFormat(String noun) {
    this.noun = noun;
  }

  static PictureFormat of(byte[] data) {
    if (data.length == 0) {
      return EMPTY;
    }
    if (starts(data, PNG_SIGNATURE)) {
      return PNG;
    }
    if (starts(data, "\u00ff\u00d8\u00ff")) {
      return JPEG;
    }
    if (starts(data, "RIFF") && data.length >= 12 && at(data, 8, "WEBP")) {
      return WEBP;
    }
    if (data.length >= 12 && at(data, 4, "ftyp")) {
      return HEIF;
    }
    if (starts(data, "GIF8")) {
      return GIF;
    }
    if (starts(data, "II*\0") || starts(data, "MM\0*")) {
      return TIFF;
    }
    if (starts(data, "\u00ff\n") || starts(data, "\0\0\0\fJXL ")) {
      return JPEG_XL;
    }
    if (starts(data, "\0\0\0\fjP  ") || starts(data, "\u00ffO\u00ffQ")) {
      return JPEG_2000;
    }
    if (starts(data, "8BPS")) {
      return PSD;
    }
    if (starts(data, "\0\0\1\0")) {
      return ICO;
    }
    if (starts(data, "%PDF")) {
      return PDF;
    }
    if (starts(data, "PK\3\4")) {
      return ZIP;
    }
    if (starts(data, "BM") && data.length >= 26 && data[14] >= 12 && data[15] == 0) {
      return BMP;
    }
    return isText(data) ? markup(data) : UNKNOWN;
  }

  private static PictureFormat markup(byte[] data) {
    String head =
        new String(data, 0, Math.min(data.length, TEXT_PROBE), StandardCharsets.ISO_8859_1)
            .toLowerCase(Locale.ROOT);
    if (head.contains("<svg")) {
      return SVG;
    }
    return head.contains("<html") || head.contains("<!doctype html") ? HTML : TEXT;
  }

  private static boolean isText(byte[] data) {
    for (int i = 0; i < Math.min(data.length, TEXT_PROBE); i++) {
      int b = data[i] & 0xff;
      if (b < ' ' && b != '\t' && b != '\n' && b != '\r' && b != '\f' && b != 0x1b) {
        return false;
      }
    }
    return true;
  }

  private static boolean starts(byte[] data, String latin1) {
    return at(data, 0, latin1);
  }

  private static boolean at(byte[] data, int offset, String latin1) {
    byte[] expected = latin1.getBytes(StandardCharsets.ISO_8859_1);
    return data.length >= offset + expected.length
        && Arrays.equals(data, offset, offset + expected.length, expected, 0, expected.length);
  }

  private static boolean starts(byte[] data, byte[] expected) {
    return data.length >= expected.length
        && Arrays.equals(data, 0, expected.length, expected, 0, expected.length);
  }
}
