package inkstone.model.drift;

import inkstone.model.image.Image;

/**
 * Structural similarity of Wang, Bovik, Sheikh and Simoncelli (2004): Gaussian windows of 11×11
 * pixels and sigma 1.5 on the luma (0.299 R + 0.587 G + 0.114 B, not rounded), K1 = 0.01, K2 =
 * 0.03, L = 255, windows inside the picture only.
 */
final class Ssim {
  /** Side of a window, in pixels. */
  static final int WINDOW = 11;

  private static final int QUANTITIES = 5; // a, b, a², b², ab
  private static final double SIGMA = 1.5;
  private static final double C1 = 0.01 * 255 * (0.01 * 255);
  private static final double C2 = 0.03 * 255 * (0.03 * 255);
  private static final double[] KERNEL = kernel();

  private Ssim() {}

  /** Told of each window. */
  @FunctionalInterface
  interface Sink {
    /**
     * @param x column of the window's middle
     * @param y row of the window's middle
     * @param ssim -1 to 1, and 1 where both pictures are equal
     */
    void window(int x, int y, double ssim);
  }

  private static double[] kernel() {
    double[] kernel = new double[WINDOW];
    double sum = 0;
    for (int i = 0; i < WINDOW; i++) {
      double d = i - WINDOW / 2;
      kernel[i] = Math.exp(-d * d / (2 * SIGMA * SIGMA));
      sum += kernel[i];
    }
    for (int i = 0; i < WINDOW; i++) {
      kernel[i] /= sum;
    }
    return kernel;
  }

  /** All windows, row by row; none when a side is shorter than one. Pictures of equal size. */
  static void scan(Image a, Image b, Sink sink) {
    int width = a.width();
    int inner = width - WINDOW + 1;
    if (inner < 1) {
      return;
    }
    // Rows that the windows of one row reach over, averaged along the row.
    double[][][] rows = new double[WINDOW][QUANTITIES][inner];
    double[] lumaA = new double[width];
    double[] lumaB = new double[width];
    double[] means = new double[QUANTITIES];
    for (int y = 0; y < a.height(); y++) {
      luma(a, y, lumaA);
      luma(b, y, lumaB);
      average(lumaA, lumaB, rows[y % WINDOW]);
      if (y < WINDOW - 1) {
        continue;
      }
      int top = y - WINDOW + 1;
      for (int x = 0; x < inner; x++) {
        for (int q = 0; q < QUANTITIES; q++) {
          means[q] = 0;
          for (int i = 0; i < WINDOW; i++) {
            means[q] += KERNEL[i] * rows[(top + i) % WINDOW][q][x];
          }
        }
        sink.window(x + WINDOW / 2, top + WINDOW / 2, similarity(means));
      }
    }
  }

  private static void luma(Image image, int y, double[] luma) {
    byte[] rgb = image.rgb();
    int at = y * luma.length * 3;
    for (int x = 0; x < luma.length; x++, at += 3) {
      luma[x] =
          0.299 * (rgb[at] & 0xff) + 0.587 * (rgb[at + 1] & 0xff) + 0.114 * (rgb[at + 2] & 0xff);
    }
  }

  private static void average(double[] a, double[] b, double[][] out) {
    for (int x = 0; x < out[0].length; x++) {
      double meanA = 0;
      double meanB = 0;
      double squareA = 0;
      double squareB = 0;
      double product = 0;
      for (int i = 0; i < WINDOW; i++) {
        double va = a[x + i];
        double vb = b[x + i];
        meanA += KERNEL[i] * va;
        meanB += KERNEL[i] * vb;
        squareA += KERNEL[i] * (va * va);
        squareB += KERNEL[i] * (vb * vb);
        product += KERNEL[i] * (va * vb);
      }
      out[0][x] = meanA;
      out[1][x] = meanB;
      out[2][x] = squareA;
      out[3][x] = squareB;
      out[4][x] = product;
    }
  }

  private static double similarity(double[] means) {
    double a = means[0];
    double b = means[1];
    double varianceA = means[2] - a * a;
    double varianceB = means[3] - b * b;
    double covariance = means[4] - a * b;
    return (2 * (a * b) + C1)
        * (2 * covariance + C2)
        / ((a * a + b * b + C1) * (varianceA + varianceB + C2));
  }
}
