package inkstone.model.text;

import java.util.List;

/** The placeholders of pictures among token ids. */
public final class ImagePads {
  private ImagePads() {}

  /**
   * Repeats each image token so that it stands for every feature row of its picture.
   *
   * @param ids token ids with one image token a picture, in order
   * @param imageTokenId the config's {@code image_token_id}
   * @param mergeSize the config's {@code spatial_merge_size}
   * @param grids (height, width) of each picture in patches
   * @throws IllegalArgumentException when the counts differ, as when a prompt spells the token out
   */
  public static int[] expand(int[] ids, int imageTokenId, int mergeSize, List<int[]> grids) {
    IntList out = new IntList();
    int picture = 0;
    for (int id : ids) {
      if (id != imageTokenId || grids.isEmpty()) {
        out.add(id);
        continue;
      }
      if (picture < grids.size()) {
        int[] grid = grids.get(picture);
        for (int n = rows(grid[0], grid[1], mergeSize); n > 0; n--) {
          out.add(id);
        }
      }
      picture++;
    }
    if (picture != grids.size() && !grids.isEmpty()) {
      throw new IllegalArgumentException(
          "ImagePads: image tokens, expected "
              + grids.size()
              + ", one a picture, got "
              + picture
              + "; take <|image_pad|> out of the prompt");
    }
    return out.toArray();
  }

  /** Feature rows of a picture of {@code gridH} × {@code gridW} patches. */
  static int rows(int gridH, int gridW, int mergeSize) {
    if (gridH <= 0 || gridW <= 0 || gridH % mergeSize != 0 || gridW % mergeSize != 0) {
      throw new IllegalArgumentException(
          "ImagePads: grid, expected positive multiples of "
              + mergeSize
              + ", got "
              + gridH
              + "x"
              + gridW);
    }
    return Math.multiplyExact(gridH / mergeSize, gridW / mergeSize);
  }
}
