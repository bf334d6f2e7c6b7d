package inkstone.app.report;

import inkstone.model.image.Image;

/** A picture that is being drawn. Colours are 0xRRGGBB; what lies outside is not drawn. */
final class Canvas {
  static final int PAPER = 0xffffff;
  static final int INK = 0x1b1f24;
  static final int MUTED = 0x667080;

  private final Image image;

  Canvas(int width, int height) {
    image = Image.blank(width, height);
    fill(0, 0, width, height, PAPER);
  }

  Image image() {
    return image;
  }

  void fill(int left, int top, int width, int height, int colour) {
    int right = Math.min(image.width(), left + width);
    for (int y = Math.max(0, top); y < Math.min(image.height(), top + height); y++) {
      for (int x = Math.max(0, left); x < right; x++) {
        int at = (y * image.width() + x) * 3;
        image.rgb()[at] = (byte) (colour >> 16);
        image.rgb()[at + 1] = (byte) (colour >> 8);
        image.rgb()[at + 2] = (byte) colour;
      }
    }
  }

  /** A line of one pixel around a rectangle, outside of it. */
  void frame(int left, int top, int width, int height, int colour) {
    fill(left - 1, top - 1, width + 2, 1, colour);
    fill(left - 1, top + height, width + 2, 1, colour);
    fill(left - 1, top, 1, height, colour);
    fill(left + width, top, 1, height, colour);
  }

  /** Each pixel of {@code picture} as a square of {@code scale} pixels. */
  void draw(Image picture, int left, int top, int scale) {
    byte[] rgb = picture.rgb();
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        int at = (y * picture.width() + x) * 3;
        int colour = (rgb[at] & 0xff) << 16 | (rgb[at + 1] & 0xff) << 8 | rgb[at + 2] & 0xff;
        fill(left + x * scale, top + y * scale, scale, scale, colour);
      }
    }
  }

  /** Pixels that a line of text takes. */
  static int textWidth(String text, int scale) {
    return Math.max(0, text.length() * Glyphs.ADVANCE - 1) * scale;
  }

  static int textHeight(int scale) {
    return Glyphs.HEIGHT * scale;
  }

  /** Text whose upper left corner is given. */
  void text(String text, int left, int top, int scale, int colour) {
    letters(
        text,
        (column, row) -> fill(left + column * scale, top + row * scale, scale, scale, colour));
  }

  /** Text that reads upwards, whose lower left corner is given. */
  void textUp(String text, int left, int bottom, int scale, int colour) {
    letters(
        text,
        (column, row) ->
            fill(left + row * scale, bottom - (column + 1) * scale, scale, scale, colour));
  }

  @FunctionalInterface
  private interface Dot {
    void at(int column, int row);
  }

  private static void letters(String text, Dot dot) {
    for (int i = 0; i < text.length(); i++) {
      boolean[] shape = Glyphs.of(text.charAt(i));
      for (int p = 0; p < shape.length; p++) {
        if (shape[p]) {
          dot.at(i * Glyphs.ADVANCE + p % Glyphs.WIDTH, p / Glyphs.WIDTH);
        }
      }
    }
  }
}
