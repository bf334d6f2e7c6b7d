package inkstone.model.real;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;

/**
 * With what {@code golden/real} keeps of a tensor: some elements, and signed sums over the rows and
 * over the channels. Each channel is divided by the power of two nearest to its root mean square,
 * so that an outlier channel hides no error of the others.
 */
final class SliceComparison implements Comparison {
  private static final int ROWS = 12;
  private static final int GROUPS = 128;
  private static final String EXPONENTS = ".exponents";

  private final String name;
  private final Golden golden;
  private final Set<String> missing = new TreeSet<>();

  SliceComparison(String name, Golden golden) {
    this.name = name;
    this.golden = golden;
    for (String key : golden.names()) {
      if (key.endsWith(EXPONENTS)) {
        missing.add(key.substring(0, key.length() - EXPONENTS.length()));
      }
    }
  }

  @Override
  public void relative(String key, Tensor actual, double tolerance) {
    compare(key, actual, tolerance, true);
  }

  @Override
  public void absolute(String key, Tensor actual, double tolerance) {
    compare(key, actual, tolerance, false);
  }

  @Override
  public void finish() {
    assertThat(missing).as("outputs that were never given").isEmpty();
  }

  private void compare(String key, Tensor actual, double tolerance, boolean relative) {
    if (!missing.remove(key)) {
      return;
    }
    String what = name + " " + key;
    int channels = Channels.count(actual);
    int[] exponents = golden.ints(key + EXPONENTS);
    if (exponents.length != channels) {
      throw new AssertionError(
          what + ": expected " + exponents.length + " channels, got " + actual.shape());
    }
    float[] values = Channels.divided(actual.toFloatArray(), channels, exponents);
    int rows = values.length / channels;

    int[] columns = golden.ints(key + ".columns");
    int[] columnExponents = Arrays.stream(columns).map(c -> exponents[c]).toArray();
    float[] expected = Channels.divided(golden.floats(key), columns.length, columnExponents);
    float[] elements = new float[Math.min(rows, ROWS) * columns.length];
    for (int i = 0; i < elements.length; i++) {
      int row = spread(i / columns.length, rows);
      elements[i] = values[row * channels + columns[i % columns.length]];
    }
    if (relative) {
      TensorAssert.assertRel(what, expected, elements, tolerance);
    } else {
      TensorAssert.assertAbs(what, expected, elements, tolerance);
    }

    double[] rowSums = new double[rows];
    double[] channelSums = new double[channels];
    int[] signs = new int[channels];
    Arrays.setAll(signs, MadeTensor::sign);
    for (int r = 0; r < rows; r++) {
      int rowSign = MadeTensor.sign(r);
      for (int c = 0; c < channels; c++) {
        double signed = rowSign * signs[c] * (double) values[r * channels + c];
        rowSums[r] += signed;
        channelSums[c] += signed;
      }
    }
    // Values are about 1 here, and so are the sums over the root of how many they are of.
    TensorAssert.assertAbs(
        what + " row sums",
        golden.floats(key + ".row_sums"),
        grouped(rowSums, values.length),
        tolerance);
    TensorAssert.assertAbs(
        what + " channel sums",
        golden.floats(key + ".channel_sums"),
        grouped(channelSums, values.length),
        tolerance);
  }

  /** Index {@code i} of the spread rows, the first and the last among them. */
  private static int spread(int i, int rows) {
    int want = Math.min(rows, ROWS);
    return i * (rows - 1) / Math.max(1, want - 1);
  }

  private static float[] grouped(double[] sums, int elements) {
    int groups = Math.min(sums.length, GROUPS);
    double[] added = new double[groups];
    for (int i = 0; i < sums.length; i++) {
      added[i % groups] += sums[i];
    }
    float[] grouped = new float[groups];
    double root = Math.sqrt((double) elements / groups);
    for (int g = 0; g < groups; g++) {
      grouped[g] = (float) (added[g] / root);
    }
    return grouped;
  }
}
