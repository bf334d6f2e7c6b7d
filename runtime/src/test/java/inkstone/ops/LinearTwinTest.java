package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class LinearTwinTest {
  @ParameterizedTest
  @CsvSource({
    "1,1,1",
    "1,31,17",
    "1,64,520",
    "2,8,3",
    "3,33,16",
    "5,70,130",
    "6,64,64",
    "7,130,31",
    "12,48,100",
    "13,96,33",
    "14,257,40",
    "31,300,20",
    "4,16,1030",
    "1,513,513",
    "64,3,15"
  })
  void sameBitsAsScalar(int m, int n, int k) {
    try (Twins twins = new Twins()) {
      for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
        Tensor x = twins.random(m, k);
        Tensor weight = twins.random(dtype, n, k);
        Tensor bias = twins.random(dtype, n);
        twins.assertBits(
            dtype + " with bias", (c, out) -> Linear.forward(c, out, x, weight, bias), m, n);
        twins.assertBits(dtype.name(), (c, out) -> Linear.forward(c, out, x, weight, null), m, n);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void rowDependsOnNothingElse(DType dtype) {
    int m = 29;
    int n = 150;
    int k = 600;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(m, k);
      Tensor weight = twins.random(dtype, n, k);
      Tensor bias = twins.random(n);
      Twins.Op op = (c, out) -> Linear.forward(c, out, x, weight, bias);
      float[] whole = twins.run(twins.vector(), op, m, n);
      twins.assertRowsAlone(
          whole, (c, out, rows) -> Linear.forward(c, out, rows, weight, bias), x, n);
      for (int rows = 2; rows < m; rows += 5) {
        int count = rows;
        float[] head =
            twins.run(
                twins.vector(),
                (c, out) -> Linear.forward(c, out, x.rows(0, count), weight, bias),
                rows,
                n);
        TensorAssert.assertBits(rows + " rows", Arrays.copyOf(whole, rows * n), head);
      }
    }
  }

  @Test
  void closeToDouble() {
    int k = 3072;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(3, k);
      Tensor weight = twins.random(40, k);
      float[] expected = new float[3 * 40];
      for (int i = 0; i < expected.length; i++) {
        double sum = 0;
        for (int j = 0; j < k; j++) {
          sum += (double) x.getFloat(i / 40 * k + j) * weight.getFloat(i % 40 * k + j);
        }
        expected[i] = (float) sum;
      }
      float[] actual =
          twins.run(twins.vector(), (c, out) -> Linear.forward(c, out, x, weight, null), 3, 40);
      TensorAssert.assertRel("K = 3072", expected, actual, 5e-6);
    }
  }

  @Test
  void nanReachesItsRowOnly() {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(8, 20);
      x.setFloat(3 * 20 + 7, Float.NaN);
      Tensor weight = twins.random(33, 20);
      float[] y =
          twins.run(twins.vector(), (c, out) -> Linear.forward(c, out, x, weight, null), 8, 33);
      for (int i = 0; i < y.length; i++) {
        assertThat(Float.isNaN(y[i])).as("element %s", i).isEqualTo(i / 33 == 3);
      }
    }
  }
}
