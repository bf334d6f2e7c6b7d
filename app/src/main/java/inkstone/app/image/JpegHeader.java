package inkstone.app.image;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * What a JPEG says before its first scan: size, components, how their colours are coded, and which
 * way is up.
 */
record JpegHeader(int width, int height, int components, Coding coding, int orientation) {
  private static final int START_OF_SCAN = 0xda;
  private static final int END_OF_IMAGE = 0xd9;
  private static final int APP0 = 0xe0;
  private static final int APP1 = 0xe1;
  private static final int APP14 = 0xee;
  private static final int NO_ADOBE = -1;

  /** Each scan walks over the whole picture; encoders make about ten. */
  private static final int MAX_SCANS = 100;

  /** How a pixel's components become a colour. */
  enum Coding {
    GREY,
    RGB,
    YCC,
    CMYK,
    YCCK
  }

  /** Reads the segments up to the first scan; the size comes before any other content. */
  static JpegHeader read(byte[] data, String name) throws PictureException {
    return new Scanner(data, name).scan();
  }

  private static final class Scanner {
    private final byte[] data;
    private final String name;
    private int frame = -1;
    private int frameMarker;
    private int adobe = NO_ADOBE;
    private boolean jfif;
    private int exifOrientation = Orientation.ABSENT;
    private int xmpOrientation = Orientation.ABSENT;

    Scanner(byte[] data, String name) {
      this.data = data;
      this.name = name;
    }

    JpegHeader scan() throws PictureException {
      int at = 2;
      while (true) {
        while (at < data.length && data[at] != (byte) 0xff) {
          at++;
        }
        while (at < data.length && data[at] == (byte) 0xff) {
          at++;
        }
        if (at >= data.length) {
          throw truncated(name);
        }
        int marker = data[at++] & 0xff;
        if (marker == START_OF_SCAN) {
          requireFewScans(at);
          return header();
        }
        if (marker == END_OF_IMAGE) {
          throw damaged("no pixels before its end", name);
        }
        if (marker == 0 || marker == 1 || marker >= 0xd0 && marker <= 0xd8) {
          continue;
        }
        if (at + 2 > data.length) {
          throw truncated(name);
        }
        int length = int16(at);
        if (length < 2) {
          throw damaged("segment length, expected 2 or more, got " + length, name);
        }
        if (length > data.length - at) {
          throw truncated(name);
        }
        segment(marker, at + 2, length - 2);
        at += length;
      }
    }

    /** Inside scans 0xff is followed by 0 or a restart, so the pair is always a marker. */
    private void requireFewScans(int from) throws PictureException {
      int scans = 1;
      for (int i = from; i + 1 < data.length; i++) {
        if (data[i] == (byte) 0xff && (data[i + 1] & 0xff) == START_OF_SCAN) {
          scans++;
        }
      }
      if (scans > MAX_SCANS) {
        throw damaged("scans, expected at most " + MAX_SCANS + ", got " + scans, name);
      }
    }

    private void segment(int marker, int at, int length) throws PictureException {
      if (marker == APP0 && starts(at, length, "JFIF\0")) {
        jfif = true;
      } else if (marker == APP14 && length >= 12 && starts(at, length, "Adobe")) {
        adobe = data[at + 11] & 0xff;
      } else if (marker == APP1 && starts(at, length, "Exif\0\0")) {
        if (exifOrientation == Orientation.ABSENT) {
          exifOrientation = Orientation.fromTiff(data, at + 6, length - 6);
        }
      } else if (marker == APP1 && starts(at, length, "http://ns.adobe.com/xap/1.0/\0")) {
        xmpOrientation = Orientation.fromXmp(data, at, length);
      } else if (marker >= 0xc0
          && marker <= 0xcf
          && marker != 0xc4
          && marker != 0xc8
          && marker != 0xcc) {
        if (length < 6 || length < 6 + 3 * (data[at + 5] & 0xff)) {
          throw damaged("its frame header is too short", name);
        }
        frame = at;
        frameMarker = marker;
      }
    }

    private JpegHeader header() throws PictureException {
      if (frame < 0) {
        throw damaged("no frame header before its pixels", name);
      }
      int height = int16(frame + 1);
      int width = int16(frame + 3);
      int components = data[frame + 5] & 0xff;
      if (width == 0 || height == 0) {
        throw damaged(
            "size, expected both sides to be 1 or more, got " + width + "x" + height, name);
      }
      // Modes above 2 are lossless, hierarchical or arithmetic-coded.
      if (data[frame] != 8 || frameMarker > 0xc2) {
        throw new PictureException(
            "picture: expected a JPEG of 8 bits, Huffman-coded baseline or progressive, got "
                + (data[frame] & 0xff)
                + " bits in mode "
                + (frameMarker - 0xc0)
                + " ("
                + name
                + "); convert it to PNG first");
      }
      int orientation = exifOrientation != Orientation.ABSENT ? exifOrientation : xmpOrientation;
      return new JpegHeader(width, height, components, coding(components), orientation);
    }

    /** The rules of libjpeg's {@code default_decompress_parms}. */
    private Coding coding(int components) throws PictureException {
      return switch (components) {
        case 1 -> Coding.GREY;
        case 3 -> {
          if (jfif) {
            yield Coding.YCC;
          }
          if (adobe != NO_ADOBE) {
            yield adobe == 0 ? Coding.RGB : Coding.YCC;
          }
          boolean named =
              data[frame + 6] == 'R' && data[frame + 9] == 'G' && data[frame + 12] == 'B';
          yield named ? Coding.RGB : Coding.YCC;
        }
        case 4 -> adobe == NO_ADOBE || adobe == 0 ? Coding.CMYK : Coding.YCCK;
        default -> throw damaged("components, expected 1, 3 or 4, got " + components, name);
      };
    }

    private int int16(int at) {
      return (data[at] & 0xff) << 8 | (data[at + 1] & 0xff);
    }

    private boolean starts(int at, int length, String latin1) {
      byte[] expected = latin1.getBytes(StandardCharsets.ISO_8859_1);
      return length >= expected.length
          && Arrays.equals(data, at, at + expected.length, expected, 0, expected.length);
    }
  }

  static PictureException truncated(String name) {
    return new PictureException(
        "picture: the JPEG ends too early ("
            + name
            + "); the file is truncated, get a complete copy");
  }

  static PictureException damaged(String what, String name) {
    return damaged(what, name, null);
  }

  static PictureException damaged(String what, String name, Throwable cause) {
    return new PictureException(
        "picture: JPEG: " + what + " (" + name + "); the file is damaged, get a new copy", cause);
  }
}
