package inkstone.kernel;

/** The standard normal distribution function in double, for the scalar GELU. */
final class NormalDistribution {
  private static final double INV_SQRT_2PI = 1 / Math.sqrt(2 * Math.PI);

  private NormalDistribution() {}

  /** Φ(x) to about 1e-15: a Taylor series near zero, a continued fraction in the tails. */
  static double cdf(double x) {
    if (Double.isNaN(x)) {
      return x;
    }
    double z = Math.abs(x);
    double density = INV_SQRT_2PI * Math.exp(-z * z / 2);
    if (z < 4) {
      double term = z;
      double sum = z;
      for (int i = 3; Math.abs(term) > 1e-17 * sum; i += 2) {
        term *= z * z / i;
        sum += term;
      }
      double half = density * sum;
      return x < 0 ? 0.5 - half : 0.5 + half;
    }
    double fraction = z;
    for (int i = 60; i > 0; i--) {
      fraction = z + i / fraction;
    }
    double tail = density / fraction;
    return x < 0 ? tail : 1 - tail;
  }
}
