package inkstone.app.report;

import java.util.List;

/** What the colours of a {@link HeatMap} mean. */
final class HeatMapLegend {
  private static final int TEXT = 2;
  private static final int BAR_WIDTH = 18;
  private static final int SQUARE = 12;
  private static final int GAP = 28;

  /** Pixels from the left of the colour bar to the right of its numbers. */
  static final int SCALE_WIDTH = BAR_WIDTH + 8 + Canvas.textWidth("0.000123", TEXT);

  private HeatMapLegend() {}

  /** Colours from the least to the most, with numbers. */
  static void scale(Canvas canvas, int left, int top, int height, double least, double most) {
    for (int y = 0; y < height; y++) {
      canvas.fill(left, top + y, BAR_WIDTH, 1, ColourScale.of(1 - y / (height - 1.0)));
    }
    canvas.frame(left, top, BAR_WIDTH, height, Canvas.MUTED);
    int parts = most > least ? 4 : 0;
    for (int i = 0; i <= parts; i++) {
      double share = parts == 0 ? 0 : i / (double) parts;
      int y = top + height - 1 - (int) Math.round((height - 1) * share);
      canvas.fill(left + BAR_WIDTH, y, 4, 1, Canvas.MUTED);
      canvas.text(
          Figures.of(least + (most - least) * share),
          left + BAR_WIDTH + 8,
          y - Canvas.textHeight(TEXT) / 2,
          TEXT,
          Canvas.MUTED);
    }
  }

  /** Colour of a step of that kind, in the bars above the panels. */
  static int colour(String kind) {
    return switch (kind) {
      case "full" -> Canvas.INK;
      case "partial" -> 0x8b98a8;
      default -> 0xdde2e8;
    };
  }

  /** Kinds of steps that there are. */
  static List<String> present(List<HeatMap.Band> bands) {
    return List.of("full", "partial", "cached").stream()
        .filter(kind -> bands.stream().anyMatch(band -> band.plans().contains(kind)))
        .toList();
  }

  private static int width(String kind) {
    return SQUARE + 8 + Canvas.textWidth(kind + " step", TEXT);
  }

  /** Pixels that {@link #kinds} takes. */
  static int kindsWidth(List<String> kinds) {
    return kinds.stream().mapToInt(kind -> width(kind) + GAP).sum();
  }

  /** What the bars above the panels mean. */
  static void kinds(Canvas canvas, int left, int top, List<String> kinds) {
    int x = left;
    for (String kind : kinds) {
      canvas.fill(x, top + 1, SQUARE, SQUARE, colour(kind));
      canvas.frame(x, top + 1, SQUARE, SQUARE, Canvas.MUTED);
      canvas.text(kind + " step", x + SQUARE + 8, top, TEXT, Canvas.MUTED);
      x += width(kind) + GAP;
    }
  }
}
