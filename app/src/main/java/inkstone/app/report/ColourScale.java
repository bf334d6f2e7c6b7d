package inkstone.app.report;

/** The colour scale viridis: even steps look even, and it darkens evenly in grey. */
final class ColourScale {
  private static final int[] STOPS = {
    0x440154, 0x482475, 0x414487, 0x355f8d, 0x2a788e, 0x21918c, 0x22a884, 0x44bf70, 0x7ad151,
    0xbddf26, 0xfde725
  };

  private ColourScale() {}

  /**
   * The colour of a share, 0 (dark) to 1 (bright).
   *
   * @throws IllegalArgumentException for NaN, which has no colour
   */
  static int of(double share) {
    if (Double.isNaN(share)) {
      throw new IllegalArgumentException(
          "ColourScale: share, expected 0 to 1, got NaN; leave out what was not measured");
    }
    double at = Math.clamp(share, 0, 1) * (STOPS.length - 1);
    int from = Math.min((int) at, STOPS.length - 2);
    double part = at - from;
    int colour = 0;
    for (int shift = 16; shift >= 0; shift -= 8) {
      int low = STOPS[from] >> shift & 0xff;
      int high = STOPS[from + 1] >> shift & 0xff;
      colour |= (int) Math.round(low + part * (high - low)) << shift;
    }
    return colour;
  }
}
