package inkstone.app.image;

/**
 * From JPEG components to RGB: libjpeg's fixed-point YCbCr conversion, and CMYK as Pillow does it
 * for files in Adobe's inverted convention, without a profile.
 */
final class JpegColors {
  private static final int SCALE = 16;
  private static final int HALF = 1 << (SCALE - 1);
  private static final int CR_R = fix(1.402);
  private static final int CB_B = fix(1.772);
  private static final int CR_G = fix(0.71414);
  private static final int CB_G = fix(0.34414);

  private JpegColors() {}

  /**
   * @param samples components, pixel by pixel
   * @param rgb target, three bytes a pixel
   */
  static void convert(byte[] samples, JpegHeader.Coding coding, byte[] rgb) {
    int pixels = rgb.length / 3;
    for (int i = 0, at = 0; i < pixels; i++, at += 3) {
      switch (coding) {
        case GREY -> {
          rgb[at] = samples[i];
          rgb[at + 1] = samples[i];
          rgb[at + 2] = samples[i];
        }
        case RGB -> {
          rgb[at] = samples[at];
          rgb[at + 1] = samples[at + 1];
          rgb[at + 2] = samples[at + 2];
        }
        case YCC -> ycc(samples, at, rgb, at);
        case CMYK -> {
          rgb[at] = samples[i * 4];
          rgb[at + 1] = samples[i * 4 + 1];
          rgb[at + 2] = samples[i * 4 + 2];
          underBlack(rgb, at, samples[i * 4 + 3] & 0xff);
        }
        case YCCK -> {
          ycc(samples, i * 4, rgb, at);
          rgb[at] = (byte) ~rgb[at];
          rgb[at + 1] = (byte) ~rgb[at + 1];
          rgb[at + 2] = (byte) ~rgb[at + 2];
          underBlack(rgb, at, samples[i * 4 + 3] & 0xff);
        }
      }
    }
  }

  private static void ycc(byte[] samples, int from, byte[] rgb, int at) {
    int y = samples[from] & 0xff;
    int cb = (samples[from + 1] & 0xff) - 128;
    int cr = (samples[from + 2] & 0xff) - 128;
    rgb[at] = clip(y + ((CR_R * cr + HALF) >> SCALE));
    rgb[at + 1] = clip(y + ((-CB_G * cb - CR_G * cr + HALF) >> SCALE));
    rgb[at + 2] = clip(y + ((CB_B * cb + HALF) >> SCALE));
  }

  /** Scales the inverted inks at {@code at} by inverted black. */
  private static void underBlack(byte[] rgb, int at, int notBlack) {
    for (int c = 0; c < 3; c++) {
      int ink = 255 - (rgb[at + c] & 0xff);
      int t = ink * notBlack + 128;
      rgb[at + c] = clip(notBlack - (((t >> 8) + t) >> 8));
    }
  }

  private static int fix(double x) {
    return (int) (x * (1 << SCALE) + 0.5);
  }

  private static byte clip(int v) {
    return (byte) Math.clamp(v, 0, 255);
  }
}
