package inkstone.app.report;

import inkstone.model.drift.DriftMap;
import inkstone.model.image.Image;
import java.util.ArrayList;
import java.util.List;

/**
 * Drift over steps (left to right, from 1) and layers (top to bottom, from 0): one panel for each
 * reference, rows of panels for the branches of guidance, one colour scale for all. A bar above
 * each panel tells which steps were full.
 */
public final class HeatMap {
  /**
   * A row of panels.
   *
   * @param name of the branch; empty when there is but one
   * @param map one panel for each of its references
   * @param plans of each step: full, partial or cached
   */
  public record Band(String name, DriftMap map, List<String> plans) {
    public Band {
      plans = List.copyOf(plans);
    }
  }

  private static final int MARGIN = 24;
  private static final int GAP = 28;
  private static final int SMALL = 2;
  private static final int LARGE = 3;
  private static final int LINE = 20;
  private static final int PLOT_SIDE = 420;
  private static final int MAX_CELL = 44;
  private static final int MAX_ROW_WIDTH = 1800;
  private static final int BAR = 8;

  private final List<Band> bands;
  private final double least;
  private final double most;
  private final int cellWidth;
  private final int cellHeight;
  private final int plotWidth;
  private final int plotHeight;
  private final int axis; // left of a plot
  private final int panelWidth;
  private final int panelHeight;
  private final int columns;

  private HeatMap(List<Band> bands) {
    this.bands = List.copyOf(bands);
    DriftMap first = bands.getFirst().map();
    least = bands.stream().mapToDouble(band -> band.map().least()).min().orElseThrow();
    most = bands.stream().mapToDouble(band -> band.map().worst().error()).max().orElseThrow();
    cellWidth = Math.clamp(PLOT_SIDE / first.steps(), 1, MAX_CELL);
    cellHeight = Math.clamp(PLOT_SIDE / first.layers(), 4, MAX_CELL);
    plotWidth = first.steps() * cellWidth;
    plotHeight = first.layers() * cellHeight;
    axis = Canvas.textHeight(SMALL) + 10 + Canvas.textWidth("" + (first.layers() - 1), SMALL) + 6;
    int title = bands.stream().mapToInt(b -> Canvas.textWidth(title(b, 9), SMALL)).max().orElse(0);
    panelWidth = axis + Math.max(plotWidth, title);
    panelHeight = 2 * Canvas.textHeight(SMALL) + 8 + BAR + 6 + plotHeight + 8 + 22;
    columns =
        Math.clamp((MAX_ROW_WIDTH + GAP) / (panelWidth + GAP), 1, Math.max(1, first.references()));
  }

  /**
   * Draws all bands.
   *
   * @param title what the numbers are of
   * @param lines what else to know
   */
  public static Image draw(String title, List<String> lines, List<Band> bands) {
    return new HeatMap(bands).draw(title, lines);
  }

  private static String title(Band band, int reference) {
    String name = "reference " + (reference + 1);
    return band.name().isEmpty() ? name : band.name() + ", " + name;
  }

  private Image draw(String title, List<String> lines) {
    int lineUp = (bands.getFirst().map().references() + columns - 1) / columns;
    int rows = lineUp * bands.size();
    List<String> kinds = HeatMapLegend.present(bands);
    int head = MARGIN + Canvas.textHeight(LARGE) + 8 + lines.size() * LINE + GAP / 2;
    int body =
        Math.max(
            columns * (panelWidth + GAP) + HeatMapLegend.SCALE_WIDTH,
            axis + HeatMapLegend.kindsWidth(kinds));
    int words = Canvas.textWidth(title, LARGE);
    for (String line : lines) {
      words = Math.max(words, Canvas.textWidth(line, SMALL));
    }
    Canvas canvas =
        new Canvas(
            2 * MARGIN + Math.max(body, words),
            head + rows * (panelHeight + GAP) + Canvas.textHeight(SMALL) + MARGIN);
    canvas.text(title, MARGIN, MARGIN, LARGE, Canvas.INK);
    for (int i = 0; i < lines.size(); i++) {
      int y = MARGIN + Canvas.textHeight(LARGE) + 10 + i * LINE;
      canvas.text(lines.get(i), MARGIN, y, SMALL, Canvas.MUTED);
    }
    int row = 0;
    for (Band band : bands) {
      for (int i = 0; i < band.map().references(); i++) {
        int left = MARGIN + i % columns * (panelWidth + GAP);
        panel(canvas, band, i, left, head + (row + i / columns) * (panelHeight + GAP));
      }
      row += lineUp;
    }
    int top = head + Canvas.textHeight(SMALL) + 8 + BAR + 6;
    HeatMapLegend.scale(
        canvas,
        MARGIN + columns * (panelWidth + GAP),
        top,
        Math.clamp(plotHeight, 120, PLOT_SIDE),
        least,
        most);
    HeatMapLegend.kinds(canvas, MARGIN + axis, head + rows * (panelHeight + GAP), kinds);
    return canvas.image();
  }

  private void panel(Canvas canvas, Band band, int reference, int left, int top) {
    int plotLeft = left + axis;
    canvas.text(title(band, reference), plotLeft, top, SMALL, Canvas.INK);
    int bar = top + Canvas.textHeight(SMALL) + 8;
    int plotTop = bar + BAR + 6;
    DriftMap map = band.map();
    for (int step = 0; step < map.steps(); step++) {
      int x = plotLeft + step * cellWidth;
      int line = cellWidth > 4 ? 1 : 0;
      canvas.fill(x, bar, cellWidth - line, BAR, HeatMapLegend.colour(band.plans().get(step)));
      for (int layer = 0; layer < map.layers(); layer++) {
        int colour = colour(map.error(step, layer, reference));
        canvas.fill(x, plotTop + layer * cellHeight, cellWidth, cellHeight, colour);
      }
    }
    canvas.frame(plotLeft, plotTop, plotWidth, plotHeight, Canvas.MUTED);
    for (int step : ticks(map.steps(), 1, cellWidth, Canvas.textWidth("" + map.steps(), SMALL))) {
      String number = "" + step;
      int middle = plotLeft + (step - 1) * cellWidth + cellWidth / 2;
      int x = middle - Canvas.textWidth(number, SMALL) / 2;
      canvas.text(number, x, plotTop + plotHeight + 8, SMALL, Canvas.MUTED);
    }
    for (int layer : ticks(map.layers(), 0, cellHeight, Canvas.textHeight(SMALL))) {
      String number = "" + layer;
      int x = plotLeft - 6 - Canvas.textWidth(number, SMALL);
      int y = plotTop + layer * cellHeight + (cellHeight - Canvas.textHeight(SMALL)) / 2;
      canvas.text(number, x, y, SMALL, Canvas.MUTED);
    }
    canvas.text(
        "step",
        plotLeft + plotWidth / 2 - Canvas.textWidth("step", SMALL) / 2,
        plotTop + plotHeight + 8 + 22,
        SMALL,
        Canvas.INK);
    canvas.textUp(
        "layer",
        left,
        plotTop + plotHeight / 2 + Canvas.textWidth("layer", SMALL) / 2,
        SMALL,
        Canvas.INK);
  }

  /** Numbers from {@code first} on, far enough apart for labels of that size. */
  static List<Integer> ticks(int count, int first, int cell, int label) {
    int every = 1;
    for (int i = 0; every * cell < label + 6; i++) {
      every = (int) Math.pow(10, (i + 1) / 3) * new int[] {1, 2, 5}[(i + 1) % 3];
    }
    List<Integer> ticks = new ArrayList<>();
    for (int i = first; i < first + count; i++) {
      boolean even = every < 5 ? (i - first) % every == 0 : i % every == 0 || i == first;
      if (even) {
        ticks.add(i);
      }
    }
    return ticks;
  }

  private int colour(double error) {
    return ColourScale.of(most > least ? (error - least) / (most - least) : 0);
  }
}
