package inkstone.model.real;

import inkstone.tensor.Tensor;
import java.util.Arrays;

/** Arithmetic over rows of channels. */
final class Channels {
  private Channels() {}

  static int count(Tensor tensor) {
    return Math.toIntExact(tensor.dim(-1));
  }

  /** Each value divided by the power of two of its channel: exact. */
  static float[] divided(float[] values, int channels, int[] exponents) {
    float[] unit = new float[values.length];
    for (int i = 0; i < values.length; i++) {
      unit[i] = Math.scalb(values[i], -exponents[i % channels]);
    }
    return unit;
  }

  /**
   * The power of two nearest to the root mean square of each channel; of fewer than 8 rows, to that
   * of all.
   */
  static int[] exponents(float[] values, int channels) {
    int rows = values.length / channels;
    double[] squares = new double[channels];
    for (int i = 0; i < values.length; i++) {
      squares[i % channels] += (double) values[i] * values[i];
    }
    double all = Arrays.stream(squares).sum() / values.length;
    int[] exponents = new int[channels];
    for (int c = 0; c < channels; c++) {
      double mean = rows < 8 ? all : squares[c] / rows;
      exponents[c] = mean == 0 ? 0 : (int) Math.rint(Math.log(mean) / Math.log(4));
    }
    return exponents;
  }
}
