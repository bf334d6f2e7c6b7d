package inkstone.model.text;

import java.util.List;

/** Rotary positions of a sequence on the axes time, height and width. */
final class TextPositions {
  private TextPositions() {}

  /**
   * Positions as [axis][token].
   *
   * @param images the pictures whose image tokens stand in {@code ids}, in order
   */
  static int[][] of(
      RopePositions positions,
      int[] ids,
      int imageTokenId,
      int mergeSize,
      List<ImageFeatures> images) {
    int[][] out = new int[3][ids.length];
    int picture = 0;
    int position = 0;
    for (int i = 0; i < ids.length; ) {
      boolean image =
          positions == RopePositions.IMAGE_GRID
              && ids[i] == imageTokenId
              && picture < images.size();
      if (!image) {
        set(out, i++, position, position, position);
        position++;
        continue;
      }
      int rows = images.get(picture).gridH() / mergeSize;
      int columns = images.get(picture).gridW() / mergeSize;
      picture++;
      for (int n = 0; n < rows * columns; n++) {
        set(out, i++, position, position + n / columns, position + n % columns);
      }
      position += Math.max(rows, columns);
    }
    return out;
  }

  private static void set(int[][] out, int i, int time, int height, int width) {
    out[0][i] = time;
    out[1][i] = height;
    out[2][i] = width;
  }
}
