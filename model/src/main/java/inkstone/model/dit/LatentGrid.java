package inkstone.model.dit;

/**
 * Size of one image in the token sequence, in packed tokens: latent height and width divided by the
 * patch size (2), that is pixels divided by 16.
 *
 * @param height rows of tokens, 1 to {@value #MAX_SIDE}
 * @param width columns of tokens, 1 to {@value #MAX_SIDE}
 */
public record LatentGrid(int height, int width) {
  /** Rows and columns are centred on 0 and the position table reaches 4096 to either side. */
  public static final int MAX_SIDE = 2 * AxialRope.MAX_POSITION;

  public LatentGrid {
    if (height < 1 || height > MAX_SIDE || width < 1 || width > MAX_SIDE) {
      throw new IllegalArgumentException(
          "LatentGrid: size, expected 1 to "
              + MAX_SIDE
              + " tokens a side, got "
              + height
              + "×"
              + width
              + "; choose another picture size");
    }
  }

  /** Tokens of the image. */
  public long tokens() {
    return (long) height * width;
  }
}
