package inkstone.kernel;

import inkstone.memory.Alignment;

/**
 * Convolution as an implicit matrix product: the patches of some output pixels are laid out as rows
 * in scratch that stays in L2, then {@link VectorGemm} multiplies them by the packed weights.
 */
final class VectorConv {
  /** Bytes of patches gathered at a time. */
  private static final long PATCH_BYTES = 512 << 10;

  private static final int MOST_ROWS = 40 * VectorGemm.ROWS;

  private VectorConv() {}

  /** Output pixels gathered at a time: whole register tiles. */
  private static int rows(ConvArgs c) {
    long fit = PATCH_BYTES / (4L * c.k() * VectorGemm.ROWS) * VectorGemm.ROWS;
    return Math.clamp(fit, VectorGemm.ROWS, MOST_ROWS);
  }

  private static long biasBytes(ConvArgs c) {
    return Alignment.up(4L * VectorGemm.padded(c.cout()), Alignment.CACHE_LINE);
  }

  static long scratchBytes(ConvArgs c) {
    return biasBytes(c)
        + VectorGemm.tileBytes()
        + Alignment.up(4L * rows(c) * c.k(), Alignment.CACHE_LINE);
  }

  static void conv(ConvArgs c, long pixelFrom, long pixelTo, long scratch) {
    int k = c.k();
    long tile = scratch + biasBytes(c);
    long patches = tile + VectorGemm.tileBytes();
    VectorMemory.clear(scratch, VectorGemm.padded(c.cout()));
    if (c.bias() != 0) {
      VectorMemory.copy(scratch, c.bias(), c.cout());
    }
    boolean points =
        c.kernelHeight() == 1
            && c.kernelWidth() == 1
            && c.stride() == 1
            && c.padTop() == 0
            && c.padLeft() == 0
            && c.outWidth() == c.width();
    int step = points ? Integer.MAX_VALUE : rows(c);
    for (long pixel = pixelFrom; pixel < pixelTo; pixel += step) {
      long count = Math.min(step, pixelTo - pixel);
      long x = points ? c.x() + 4 * pixel * k : patches;
      for (long i = 0; !points && i < count; i++) {
        gather(c, pixel + i, patches + 4 * i * k);
      }
      VectorGemm.product(
          c.out() + 4 * pixel * c.cout(),
          4L * c.cout(),
          scratch,
          0,
          x,
          4L * k,
          count,
          c.packed(),
          c.cout(),
          k,
          tile);
    }
  }

  /** The patch of one output pixel: taps row by row, each row of taps contiguous in the picture. */
  private static void gather(ConvArgs c, long pixel, long to) {
    long top = pixel / c.outWidth() * c.stride() - c.padTop();
    long left = pixel % c.outWidth() * c.stride() - c.padLeft();
    int row = c.kernelWidth() * c.cin();
    int before = Math.clamp(-left, 0, c.kernelWidth()) * c.cin();
    int inside = Math.clamp(c.width() - left, 0, c.kernelWidth()) * c.cin() - before;
    for (int ky = 0; ky < c.kernelHeight(); ky++) {
      long y = top + ky;
      long line = to + 4L * ky * row;
      if (y < 0 || y >= c.height() || inside <= 0) {
        VectorMemory.clear(line, row);
        continue;
      }
      VectorMemory.clear(line, before);
      VectorMemory.copy(
          line + 4L * before, c.x() + 4 * ((y * c.width() + left) * c.cin() + before), inside);
      VectorMemory.clear(line + 4L * (before + inside), row - before - inside);
    }
  }
}
