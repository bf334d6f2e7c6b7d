package inkstone.model.text;

import inkstone.loader.config.VisionConfig;

/**
 * The order of a picture's patches. They come square by square ({@code mergeSize}² patches that
 * become one token), squares row by row; windows of attention need the squares window by window.
 */
final class VisionGrid {
  private final int[] windowIndex;
  private final int[] windowBorders;
  private final int[][] positions;
  private final int squarePatches;

  /**
   * Lays out a picture.
   *
   * @param gridH patches from top to bottom, a positive multiple of the merge size
   * @param gridW patches from left to right, likewise
   */
  VisionGrid(VisionConfig config, int gridH, int gridW) {
    int merge = config.spatialMergeSize();
    int squares = ImagePads.rows(gridH, gridW, merge);
    squarePatches = merge * merge;
    int rows = gridH / merge;
    int columns = gridW / merge;
    int window = config.windowSize() / merge / config.patchSize();
    windowIndex = new int[squares];
    IntList borders = new IntList();
    borders.add(0);
    int n = 0;
    for (int top = 0; top < rows; top += window) {
      for (int left = 0; left < columns; left += window) {
        for (int row = top; row < Math.min(rows, top + window); row++) {
          for (int column = left; column < Math.min(columns, left + window); column++) {
            windowIndex[n++] = row * columns + column;
          }
        }
        borders.add(n * squarePatches);
      }
    }
    windowBorders = borders.toArray();
    positions = positions(columns, merge);
  }

  /** Row and column of each patch, window by window. */
  private int[][] positions(int columns, int merge) {
    int[][] out = new int[2][patches()];
    for (int i = 0; i < windowIndex.length; i++) {
      int square = windowIndex[i];
      for (int inside = 0; inside < squarePatches; inside++) {
        int at = i * squarePatches + inside;
        out[0][at] = square / columns * merge + inside / merge;
        out[1][at] = square % columns * merge + inside % merge;
      }
    }
    return out;
  }

  int patches() {
    return windowIndex.length * squarePatches;
  }

  /** For each square in window order, its place in the picture's order. */
  int[] windowIndex() {
    return windowIndex;
  }

  /** For each square in the picture's order, its place in window order. */
  int[] reverseIndex() {
    int[] reverse = new int[windowIndex.length];
    for (int i = 0; i < reverse.length; i++) {
      reverse[windowIndex[i]] = i;
    }
    return reverse;
  }

  /** Patches where windows begin, and the end: {@code cu_window_seqlens}. */
  int[] windowBorders() {
    return windowBorders;
  }

  /** [2][patches]: row and column, in window order. */
  int[][] positions() {
    return positions;
  }
}
