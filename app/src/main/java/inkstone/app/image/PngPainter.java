package inkstone.app.image;

/** Turns unfiltered PNG rows into RGB pixels, over white where they are transparent. */
final class PngPainter {
  private final PngHeader header;
  private final byte[] palette;
  private final byte[] transparency;
  private final byte[] rgb;

  /**
   * @param palette RGB triples, for colour type 3
   * @param transparency content of tRNS: alphas of the palette, or one colour of 16-bit samples
   * @param rgb target, {@code [height, width, 3]}
   */
  PngPainter(PngHeader header, byte[] palette, byte[] transparency, byte[] rgb) {
    this.header = header;
    this.palette = palette;
    this.transparency = transparency;
    this.rgb = rgb;
  }

  /**
   * Paints {@code columns} pixels to row {@code y}, at x0, x0 + dx and so on.
   *
   * @param row the filter byte, then the samples
   */
  void paint(byte[] row, int columns, int y, int x0, int dx) {
    int at = (y * header.width() + x0) * 3;
    int channels = header.color().channels;
    for (int i = 0; i < columns; i++, at += 3 * dx) {
      int s = i * channels;
      switch (header.color()) {
        case GREY -> {
          int v = eight(sample(row, s));
          put(at, v, v, v, isKey(row, s) ? 0 : 255);
        }
        case GREY_ALPHA -> {
          int v = eight(sample(row, s));
          put(at, v, v, v, eight(sample(row, s + 1)));
        }
        case RGB ->
            put(
                at,
                eight(sample(row, s)),
                eight(sample(row, s + 1)),
                eight(sample(row, s + 2)),
                isKey(row, s) ? 0 : 255);
        case RGB_ALPHA ->
            put(
                at,
                eight(sample(row, s)),
                eight(sample(row, s + 1)),
                eight(sample(row, s + 2)),
                eight(sample(row, s + 3)));
        case PALETTE -> {
          int index = sample(row, s);
          int entry = index * 3;
          boolean known = entry + 2 < palette.length;
          put(
              at,
              known ? palette[entry] & 0xff : 0,
              known ? palette[entry + 1] & 0xff : 0,
              known ? palette[entry + 2] & 0xff : 0,
              index < transparency.length ? transparency[index] & 0xff : 255);
        }
      }
    }
  }

  /** Sample {@code i} of a row at its own depth. */
  private int sample(byte[] row, int i) {
    return switch (header.depth()) {
      case 16 -> (row[1 + 2 * i] & 0xff) << 8 | (row[2 + 2 * i] & 0xff);
      case 8 -> row[1 + i] & 0xff;
      default -> {
        int depth = header.depth();
        int bit = i * depth;
        int shift = 8 - depth - (bit & 7);
        yield (row[1 + (bit >> 3)] >> shift) & ((1 << depth) - 1);
      }
    };
  }

  /** A sample of the picture's depth at 8 bits. */
  private int eight(int sample) {
    return switch (header.depth()) {
      case 16 -> sample >> 8;
      case 8 -> sample;
      case 4 -> sample * 17;
      case 2 -> sample * 85;
      default -> sample * 255;
    };
  }

  private boolean isKey(byte[] row, int from) {
    if (transparency.length == 0) {
      return false;
    }
    for (int c = 0; c < header.color().channels; c++) {
      int key = (transparency[2 * c] & 0xff) << 8 | (transparency[2 * c + 1] & 0xff);
      if (sample(row, from + c) != key) {
        return false;
      }
    }
    return true;
  }

  private void put(int at, int r, int g, int b, int alpha) {
    rgb[at] = overWhite(r, alpha);
    rgb[at + 1] = overWhite(g, alpha);
    rgb[at + 2] = overWhite(b, alpha);
  }

  /** {@code value * alpha + 255 * (255 - alpha)} over 255, rounded to nearest. */
  private static byte overWhite(int value, int alpha) {
    if (alpha == 255) {
      return (byte) value;
    }
    int t = value * alpha + 255 * (255 - alpha) + 128;
    return (byte) (((t >> 8) + t) >> 8);
  }
}
