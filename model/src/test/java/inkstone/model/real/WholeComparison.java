package inkstone.model.real;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * With whole tensors. As in a slice, each channel is divided by the power of two nearest to its
 * root mean square; the table also has the error over the root mean square of all.
 */
final class WholeComparison implements Comparison {
  private static final Set<String> INPUTS =
      Set.of("image_tokens", "text", "pixel_values", "input_ids", "rgb", "latents");

  private final String name;
  private final Golden golden;
  private final RealReport report;
  private final Set<String> missing;
  private final List<String> over = new ArrayList<>();

  WholeComparison(String name, Golden golden, RealReport report) {
    this.name = name;
    this.golden = golden;
    this.report = report;
    missing = new TreeSet<>(golden.names());
    missing.removeAll(INPUTS);
  }

  @Override
  public void relative(String key, Tensor actual, double tolerance) {
    if (missing.remove(key)) {
      float[] expected = expected(key, actual);
      float[] values = actual.toFloatArray();
      int channels = Channels.count(actual);
      int[] exponents = Channels.exponents(expected, channels);
      TensorAssert.Difference all = TensorAssert.compare(name, expected, values);
      TensorAssert.Difference each =
          TensorAssert.compare(
              name,
              Channels.divided(expected, channels, exponents),
              Channels.divided(values, channels, exponents));
      report.add(name, key, actual.shape(), all, each, tolerance);
      note(key, each, each.maxRel(), tolerance, expected, values, channels);
    }
  }

  @Override
  public void absolute(String key, Tensor actual, double tolerance) {
    if (missing.remove(key)) {
      float[] expected = expected(key, actual);
      float[] values = actual.toFloatArray();
      TensorAssert.Difference all = TensorAssert.compare(name, expected, values);
      report.add(name, key, actual.shape(), all, null, tolerance);
      note(key, all, all.maxAbs(), tolerance, expected, values, Channels.count(actual));
    }
  }

  /** Keeps what is over the bar, so that the table becomes whole before the test fails. */
  private void note(
      String key,
      TensorAssert.Difference difference,
      double error,
      double tolerance,
      float[] expected,
      float[] values,
      int channels) {
    if (!(error <= tolerance)) {
      int worst = difference.worst();
      over.add(
          name
              + " "
              + key
              + ": expected at most "
              + tolerance
              + ", got "
              + error
              + "; worst at row "
              + worst / channels
              + ", channel "
              + worst % channels
              + ": expected "
              + expected[worst]
              + ", got "
              + values[worst]);
    }
  }

  @Override
  public void finish() {
    assertThat(missing).as("outputs that were never given").isEmpty();
    assertThat(over).as("outputs over their bar").isEmpty();
  }

  private float[] expected(String key, Tensor actual) {
    Tensor expected = golden.tensor(key);
    if (!expected.shape().equals(actual.shape())) {
      throw new AssertionError(
          name + " " + key + ": expected " + expected.shape() + ", got " + actual.shape());
    }
    return expected.toFloatArray();
  }
}
