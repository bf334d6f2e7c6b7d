package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Products of pairs of rows and columns, and of Kronecker's factors, against plain sums. */
final class FactorsTwinTest {
  @ParameterizedTest
  @CsvSource({"1,1,1,F32", "3,5,7,BF16", "4,4,65,F16", "7,2,300,F32"})
  void pairsOfRowsAndColumnsAreRoundedProducts(int i, int j, int n, DType dtype) {
    try (Twins twins = new Twins()) {
      Tensor a = twins.random(dtype, i, n);
      Tensor b = twins.random(dtype, j, n);
      float[] rows = new float[i * j * n];
      for (int at = 0; at < rows.length; at++) {
        int row = at / n;
        rows[at] =
            a.getFloat((long) (row / j) * n + at % n) * b.getFloat((long) (row % j) * n + at % n);
      }
      Tensor c = twins.random(dtype, n, i);
      Tensor d = twins.random(dtype, n, j);
      int from = i / 2;
      int width = (i - from) * j;
      float[] columns = new float[n * width];
      for (int at = 0; at < columns.length; at++) {
        int row = at / width;
        int column = at % width;
        columns[at] =
            c.getFloat((long) row * i + from + column / j)
                * d.getFloat((long) row * j + column % j);
      }
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute compute = Compute.open(threads)) {
          TensorAssert.assertBits(
              "rows",
              rows,
              twins.run(compute, (with, out) -> KhatriRao.rows(with, out, a, b), i * j, n));
          TensorAssert.assertBits(
              "columns",
              columns,
              twins.run(
                  compute, (with, out) -> KhatriRao.columns(with, out, c, from, i, d), n, width));
        }
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,1,1", "3,2,5,7", "9,16,16,33", "5,4,1,300"})
  void theLeftKroneckerFactorMixesParts(int rows, int p, int q, int s) {
    try (Twins twins = new Twins()) {
      Tensor left = twins.random(p, q);
      Tensor mid = twins.random(rows * q, s);
      Tensor gate = twins.random(p * s);
      Tensor before = twins.random(rows, p * s);
      float[] expected = before.toFloatArray();
      for (int at = 0; at < expected.length; at++) {
        int row = at / (p * s);
        int channel = at % (p * s);
        float sum = 0;
        for (int part = 0; part < q; part++) {
          float factor = left.getFloat((long) (channel / s) * q + part);
          float term = factor * mid.getFloat(((long) row * q + part) * s + channel % s);
          sum = part == 0 ? term : sum + term;
        }
        expected[at] += sum * gate.getFloat(channel);
      }
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute compute = Compute.open(threads)) {
          TensorAssert.assertBits(
              "Kronecker",
              expected,
              twins.run(
                  compute,
                  (with, out) -> {
                    out.copyFrom(before);
                    Kronecker.addGated(with, out, gate, left, mid);
                  },
                  rows,
                  p * s));
        }
      }
    }
  }

  @Test
  void factorsOfOtherSizesAreRefused() {
    try (Twins twins = new Twins()) {
      Compute c = twins.vector();
      Tensor two = twins.random(2, 3);
      Tensor other = twins.random(2, 4);
      assertThatThrownBy(() -> KhatriRao.rows(c, twins.random(4, 3), two, other))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("columns of b");
      assertThatThrownBy(() -> KhatriRao.columns(c, twins.random(2, 4), two, 1, 4, other))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("columns");
      assertThatThrownBy(() -> KhatriRao.rows(c, twins.random(5, 3), two, two))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("out");
      assertThatThrownBy(
              () -> Kronecker.addGated(c, twins.random(1, 8), twins.random(8), two, other))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("rows of mid");
    }
  }
}
