package inkstone.app.image;

/** The IHDR chunk of a PNG, checked against the combinations that the format allows. */
record PngHeader(int width, int height, int depth, Color color, boolean interlaced) {
  private static final int IHDR_LENGTH = 13;

  /** Colour types, named by their samples. */
  enum Color {
    GREY(1, 0b11111),
    RGB(3, 0b11000),
    PALETTE(1, 0b01111),
    GREY_ALPHA(2, 0b11000),
    RGB_ALPHA(4, 0b11000);

    final int channels;
    private final int mask;

    Color(int channels, int mask) {
      this.channels = channels;
      this.mask = mask;
    }

    // Bit i of the mask stands for a depth of 2^i.
    boolean allows(int depth) {
      int log = Integer.numberOfTrailingZeros(depth);
      return log <= 4 && depth == 1 << log && (mask >> log & 1) == 1;
    }

    static Color of(int type) {
      return switch (type) {
        case 0 -> GREY;
        case 2 -> RGB;
        case 3 -> PALETTE;
        case 4 -> GREY_ALPHA;
        case 6 -> RGB_ALPHA;
        default -> null;
      };
    }
  }

  /** Reads the chunk at which {@code chunks} stands; it has to be the file's first. */
  static PngHeader read(PngChunks chunks, byte[] data, String name) throws PictureException {
    if (!chunks.type().equals("IHDR") || chunks.length() != IHDR_LENGTH) {
      throw damaged("first chunk, expected IHDR of 13 bytes, got " + chunks.type(), name);
    }
    chunks.requireIntact();
    int at = chunks.offset();
    int width = chunks.int32(at);
    int height = chunks.int32(at + 4);
    int depth = data[at + 8] & 0xff;
    Color color = Color.of(data[at + 9] & 0xff);
    if (width <= 0 || height <= 0) {
      throw damaged(
          "size, expected both sides to be 1 to 2147483647, got "
              + Integer.toUnsignedString(width)
              + "x"
              + Integer.toUnsignedString(height),
          name);
    }
    if (color == null || !color.allows(depth)) {
      throw damaged(
          "colour type " + (data[at + 9] & 0xff) + " with " + depth + " bits does not exist", name);
    }
    if (data[at + 10] != 0 || data[at + 11] != 0 || (data[at + 12] & 0xfe) != 0) {
      throw damaged("unknown compression, filter or interlace method", name);
    }
    return new PngHeader(width, height, depth, color, data[at + 12] == 1);
  }

  /** Bytes of one row of {@code pixels} pixels, its filter byte not counted. */
  int rowBytes(int pixels) {
    return Math.toIntExact(((long) pixels * color.channels * depth + 7) / 8);
  }

  private static PictureException damaged(String what, String name) {
    return new PictureException(
        "picture: PNG header: " + what + " (" + name + "); the file is damaged, get a new copy");
  }
}
