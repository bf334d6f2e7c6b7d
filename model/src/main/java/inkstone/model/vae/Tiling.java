package inkstone.model.vae;

/**
 * How a picture is cut into overlapping tiles, in pixels. A picture larger than one tile in either
 * direction is split; neighbours overlap by tile minus stride and are blended linearly there.
 *
 * @param tileHeight height of a tile in pixels
 * @param tileWidth width of a tile in pixels
 * @param strideHeight distance in pixels between the tops of two rows of tiles, at most the tile
 *     height
 * @param strideWidth distance in pixels between the left edges of two tiles, at most the tile width
 */
public record Tiling(int tileHeight, int tileWidth, int strideHeight, int strideWidth) {
  /** Never splits. */
  public static final Tiling OFF =
      new Tiling(Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE, Integer.MAX_VALUE);

  /** The sizes diffusers takes when tiling is enabled without sizes. */
  public static final Tiling DEFAULT = square(256, 192);

  public Tiling {
    requireAxis("height", tileHeight, strideHeight);
    requireAxis("width", tileWidth, strideWidth);
  }

  /** Square tiles. */
  public static Tiling square(int tile, int stride) {
    return new Tiling(tile, tile, stride, stride);
  }

  /** False for {@link #OFF}. */
  public boolean enabled() {
    return !equals(OFF);
  }

  /** Whether a picture of this size in pixels is processed tile by tile. */
  public boolean splits(long height, long width) {
    return enabled() && (height > tileHeight || width > tileWidth);
  }

  /** Rows of tiles for a picture {@code height} pixels high, in units of {@code unit} pixels. */
  Axis rows(long height, int unit) {
    return new Axis(height / unit, tileHeight / unit, strideHeight / unit);
  }

  /** Columns of tiles for a picture {@code width} pixels wide, in units of {@code unit} pixels. */
  Axis columns(long width, int unit) {
    return new Axis(width / unit, tileWidth / unit, strideWidth / unit);
  }

  /**
   * Pixels of all tiles together, as a multiple of the picture's; 1 when it is not split.
   *
   * @param height of the picture in pixels
   * @param width of the picture in pixels
   */
  public double overlap(long height, long width) {
    return splits(height, width) ? rows(height, 1).overlap() * columns(width, 1).overlap() : 1;
  }

  /** Fails when a tile border would fall inside one latent pixel of {@code ratio} pixels. */
  void requireMultiplesOf(int ratio, String operation) {
    if (enabled()
        && (tileHeight % ratio != 0
            || tileWidth % ratio != 0
            || strideHeight % ratio != 0
            || strideWidth % ratio != 0)) {
      throw new IllegalArgumentException(
          operation
              + ": tile sizes, expected multiples of "
              + ratio
              + " pixels, got "
              + this
              + "; use for example "
              + DEFAULT);
    }
  }

  private static void requireAxis(String what, int tile, int stride) {
    if (tile <= 0 || stride <= 0 || stride > tile) {
      throw new IllegalArgumentException(
          "Tiling: "
              + what
              + ", expected 0 < stride <= tile, got tile "
              + tile
              + " and stride "
              + stride
              + "; use for example tile 256 and stride 192");
    }
  }

  /**
   * The tiles along one direction. The last ones are cut off at the border; every tile starts
   * inside the picture.
   */
  record Axis(long size, long tile, long stride) {
    /** Number of tiles. */
    int count() {
      return Math.toIntExact((size + stride - 1) / stride);
    }

    /** How much longer all tiles are than the picture. */
    double overlap() {
      long sum = 0;
      for (int index = 0; index < count(); index++) {
        sum += extent(index);
      }
      return (double) sum / size;
    }

    long start(int index) {
      return index * stride;
    }

    /** Size of tile {@code index}. */
    long extent(int index) {
      return Math.min(tile, size - start(index));
    }

    /** How much of tile {@code index} enters the result: what the next tile does not replace. */
    long kept(int index) {
      return Math.min(stride, extent(index));
    }

    /** Overlap of two full tiles. */
    long blend() {
      return tile - stride;
    }

    /** The same tiles seen on a finer grid. */
    Axis times(int factor) {
      return new Axis(size * factor, tile * factor, stride * factor);
    }
  }
}
