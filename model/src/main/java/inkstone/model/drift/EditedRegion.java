package inkstone.model.drift;

import inkstone.model.image.Image;
import java.util.BitSet;

/**
 * The pixels that an edit changed: those that differ from the source by more than {@link
 * #THRESHOLD} of 255 in a channel, and all within {@link #REACH} pixels of one, diagonals included.
 * The rest is what the edit was to preserve.
 */
public final class EditedRegion {
  /** Smaller differences are what encoding and decoding make of an untouched picture. */
  public static final int THRESHOLD = 16;

  /** Pixels around a changed one that count as changed. */
  public static final int REACH = 2;

  private final int width;
  private final int height;
  private final BitSet edited;

  private EditedRegion(int width, int height, BitSet edited) {
    this.width = width;
    this.height = height;
    this.edited = edited;
  }

  /**
   * Compares a picture with what it was made from.
   *
   * @param source of the size of {@code picture}
   */
  public static EditedRegion of(Image source, Image picture) {
    if (!source.size().equals(picture.size())) {
      throw new IllegalArgumentException(
          "EditedRegion: source, expected "
              + picture.size()
              + ", got "
              + source.size()
              + "; resize it first");
    }
    int width = picture.width();
    int height = picture.height();
    BitSet changed = new BitSet(width * height);
    for (int i = 0; i < width * height; i++) {
      if (PictureErrors.largest(source.rgb(), picture.rgb(), i) > THRESHOLD) {
        changed.set(i);
      }
    }
    BitSet edited = new BitSet(width * height);
    for (int i = changed.nextSetBit(0); i >= 0; i = changed.nextSetBit(i + 1)) {
      int x = i % width;
      int from = Math.max(0, x - REACH);
      int to = Math.min(width, x + REACH + 1);
      int y = i / width;
      for (int row = Math.max(0, y - REACH); row < Math.min(height, y + REACH + 1); row++) {
        edited.set(row * width + from, row * width + to);
      }
    }
    return new EditedRegion(width, height, edited);
  }

  /** Whether the edit changed this pixel. */
  public boolean contains(int x, int y) {
    return edited.get(y * width + x);
  }

  /** Share of all pixels, 0 to 1. */
  public double share() {
    return edited.cardinality() / ((double) width * height);
  }
}
