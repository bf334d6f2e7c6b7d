package inkstone.app.report;

import inkstone.model.image.Image;
import inkstone.model.image.Resize;
import java.util.List;

/** Pictures of one size in rows, each under its caption. */
public final class ContactSheet {
  /**
   * A picture and what is said of it.
   *
   * @param title one short line
   * @param detail another, or empty
   */
  public record Cell(String title, String detail, Image image) {}

  private static final int MARGIN = 24;
  private static final int GAP = 20;
  private static final int SCALE = 2;
  private static final int LINE = 22;

  /** Smaller pictures are enlarged by whole factors, larger ones shrunk. */
  private static final int SMALL_SIDE = 256;

  private static final int LARGE_SIDE = 768;

  private ContactSheet() {}

  /** Rows of equally many pictures of one size. */
  public static Image draw(List<List<Cell>> rows) {
    Image first = rows.getFirst().getFirst().image();
    int side = Math.max(first.width(), first.height());
    double shrink = Math.min(1, (double) LARGE_SIDE / side);
    int width = Math.max(1, (int) Math.round(first.width() * shrink));
    int height = Math.max(1, (int) Math.round(first.height() * shrink));
    int enlarge = Math.ceilDiv(SMALL_SIDE, Math.max(width, height));
    int cellWidth = width * enlarge;
    for (List<Cell> row : rows) {
      for (Cell cell : row) {
        cellWidth = Math.max(cellWidth, Canvas.textWidth(cell.title(), SCALE));
        cellWidth = Math.max(cellWidth, Canvas.textWidth(cell.detail(), SCALE));
      }
    }
    int cellHeight = 2 * LINE + 4 + height * enlarge;
    int columns = rows.getFirst().size();
    Canvas canvas =
        new Canvas(
            2 * MARGIN + columns * (cellWidth + GAP) - GAP,
            2 * MARGIN + rows.size() * (cellHeight + GAP) - GAP);
    for (int r = 0; r < rows.size(); r++) {
      for (int c = 0; c < columns; c++) {
        Cell cell = rows.get(r).get(c);
        int left = MARGIN + c * (cellWidth + GAP);
        int top = MARGIN + r * (cellHeight + GAP);
        canvas.text(cell.title(), left, top, SCALE, Canvas.INK);
        canvas.text(cell.detail(), left, top + LINE, SCALE, Canvas.MUTED);
        Image image = cell.image();
        if (shrink < 1) {
          image = Resize.lanczos(image, width, height);
        }
        canvas.draw(image, left, top + 2 * LINE + 4, enlarge);
        canvas.frame(left, top + 2 * LINE + 4, width * enlarge, height * enlarge, Canvas.MUTED);
      }
    }
    return canvas.image();
  }

  /** Differences of two pictures, {@code factor} times as large and cut at 255. */
  public static Image difference(Image a, Image b, int factor) {
    byte[] rgb = new byte[a.rgb().length];
    for (int i = 0; i < rgb.length; i++) {
      int difference = Math.abs((a.rgb()[i] & 0xff) - (b.rgb()[i] & 0xff));
      rgb[i] = (byte) Math.min(255, factor * difference);
    }
    return new Image(a.width(), a.height(), rgb);
  }
}
