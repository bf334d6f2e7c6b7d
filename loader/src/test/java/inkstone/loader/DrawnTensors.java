package inkstone.loader;

import java.util.List;

/** The tensors that {@code reference/quantize.py} draws, by the same rule. */
public final class DrawnTensors {
  private DrawnTensors() {}

  /**
   * {@code n} numbers.
   *
   * @param name which of the script's tensors
   * @param seed the script's seed
   */
  public static float[] draw(String name, int n, long seed) {
    int which = List.of("bell", "peaked", "shifted", "outliers", "sparse", "steps").indexOf(name);
    double[] bell = bell(seed + which, n);
    double[] keep = uniform(seed + 100, n);
    float[] values = new float[n];
    for (int i = 0; i < n; i++) {
      double b = bell[i];
      values[i] =
          (float)
              switch (name) {
                case "bell" -> b * 0.02;
                case "peaked" -> b * Math.abs(b) * 0.01;
                case "shifted" -> b * 0.02 + 0.05;
                case "outliers" -> b * (i % 61 == 0 ? 16.0 : 1.0) * 0.02;
                case "sparse" -> keep[i] < 0.5 ? 0.0 : b * 0.02;
                case "steps" -> b * Math.pow(2, i / 16 % 9 - 9);
                default -> throw new AssertionError("no drawn tensor " + name);
              };
    }
    return values;
  }

  private static double[] bell(long seed, int n) {
    double[] parts = uniform(seed, 12 * n);
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      double sum = 0;
      for (int j = 0; j < 12; j++) {
        sum += parts[12 * i + j];
      }
      values[i] = sum - 6;
    }
    return values;
  }

  private static double[] uniform(long seed, int n) {
    double[] values = new double[n];
    for (int i = 0; i < n; i++) {
      long z = seed + (i + 1) * 0x9E3779B97F4A7C15L;
      z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
      z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
      z ^= z >>> 31;
      values[i] = (z >>> 40) * 0x1p-24;
    }
    return values;
  }
}
