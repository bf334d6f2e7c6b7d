package inkstone.model.image;

/** The kernels that a picture is resampled with; a private matter of {@link Resize}. */
enum ResampleFilter {
  /** Windowed sinc with three lobes. */
  LANCZOS(3) {
    @Override
    double weight(double x) {
      return -3 <= x && x < 3 ? sinc(x) * sinc(x / 3) : 0;
    }
  },
  /** Keys' cubic with a = -0.5. */
  BICUBIC(2) {
    @Override
    double weight(double x) {
      double a = -0.5;
      double t = Math.abs(x);
      if (t < 1) {
        return ((a + 2) * t - (a + 3)) * t * t + 1;
      }
      return t < 2 ? (((t - 5) * t + 8) * t - 4) * a : 0;
    }
  };

  /** Half width of the kernel in source pixels when the picture is not reduced. */
  final double support;

  ResampleFilter(double support) {
    this.support = support;
  }

  /** The kernel's value at distance {@code x}. */
  abstract double weight(double x);

  private static double sinc(double x) {
    if (x == 0) {
      return 1;
    }
    double t = x * Math.PI;
    return Math.sin(t) / t;
  }
}
