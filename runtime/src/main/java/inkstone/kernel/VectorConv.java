package inkstone.kernel;

import inkstone.memory.Alignment;

/**
 * Convolution as an implicit matrix product: the patches of some output pixels are laid out as rows
 * in scratch that stays in L2, then {@link VectorGemm} multiplies them by the packed weights.
 */
final class VectorConv {
  /** Bytes of patches gathered at a time. */
  private static final long PATCH_BYTES = 512 << 10;

  private static final int MOST_ROWS = 40 * VectorTile.ROWS;

  private VectorConv() {}

  /** Output pixels gathered at a time: whole register tiles. */
  private static int rows(ConvArgs c) {
    long fit = PATCH_BYTES / (4L * c.k() * VectorTile.ROWS) * VectorTile.ROWS;
    return Math.clamp(fit, VectorTile.ROWS, MOST_ROWS);
  }

  private static long biasBytes(ConvArgs c) {
    return Alignment.up(4L * VectorGemm.padded(c.cout()), Alignment.CACHE_LINE);
  }

  static long scratchBytes(ConvArgs c) {
    return biasBytes(c)
        + VectorGemm.sumsBytes(rows(c), c.cout())
        + Alignment.up(4L * rows(c) * c.k(), Alignment.CACHE_LINE);
  }

  static void conv(ConvArgs c, long pixelFrom, long pixelTo, long scratch) {
    int k = c.k();
    long sums = scratch + biasBytes(c);
    long patches = sums + VectorGemm.sumsBytes(rows(c), c.cout());
    VectorMemory.clear(scratch, VectorGemm.padded(c.cout()));
    if (c.bias() != 0) {
      VectorMemory.copy(scratch, c.bias(), c.cout());
    }
    boolean points = points(c);
    long pixel = pixelFrom;
    while (pixel < pixelTo) {
      int count = (int) Math.min(rows(c), pixelTo - pixel);
      if (c.outStep() > 1) { // results lie evenly apart only within a row
        count = (int) Math.min(count, c.outWidth() - pixel % c.outWidth());
      }
      long x = points ? c.x() + 4 * pixel * k : patches;
      for (int i = 0; !points && i < count; i++) {
        gather(c, pixel + i, patches + 4L * i * k);
      }
      long out = c.out() + c.outOffset(pixel);
      long outStride = 4L * c.outStep() * c.cout();
      VectorGemm.product(out, outStride, scratch, x, 4L * k, count, c.packed(), c.cout(), k, sums);
      if (c.residual() != 0) { // while the results are in L2
        long residual = c.residual() + c.outOffset(pixel);
        for (int i = 0; i < count; i++) {
          long row = out + i * outStride;
          VectorElementwise.add(row, row, residual + i * outStride, c.cout());
        }
      }
      pixel += count;
    }
  }

  /** Whether the picture itself is the matrix of patches. */
  private static boolean points(ConvArgs c) {
    return c.kernelHeight() == 1
        && c.kernelWidth() == 1
        && c.stride() == 1
        && c.padTop() == 0
        && c.padLeft() == 0
        && c.outWidth() == c.width();
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
