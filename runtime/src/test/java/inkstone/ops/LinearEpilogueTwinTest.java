package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A layer that ends in an activation or a gated residual has the bits of the two operations. */
final class LinearEpilogueTwinTest {
  @ParameterizedTest
  @CsvSource({"1,1,1", "3,33,7", "8,32,256", "9,65,257", "67,101,513", "70,5,300"})
  void bitsOfTheTwoOperations(int rows, int n, int k) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(rows, k);
      Tensor weight = twins.random(n, k);
      Tensor bias = twins.random(n);
      Tensor gate = twins.random(n);
      Tensor before = twins.random(rows, n);
      Tensor product = twins.random(rows, n);
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          check(twins, c, x, weight, bias, gate, before, product);
        }
      }
      try (Compute c = Compute.scalar()) {
        check(twins, c, x, weight, bias, gate, before, product);
      }
    }
  }

  private static void check(
      Twins twins,
      Compute c,
      Tensor x,
      Tensor weight,
      Tensor bias,
      Tensor gate,
      Tensor before,
      Tensor product) {
    long[] dims = before.shape().toArray();
    Linear.forward(c, product, x, weight, bias);
    TensorAssert.assertBits(
        "GELU",
        twins.run(c, (compute, out) -> Activations.geluTanh(compute, out, product), dims),
        twins.run(c, (compute, out) -> Linear.geluTanh(compute, out, x, weight, bias), dims));
    TensorAssert.assertBits(
        "SiLU",
        twins.run(c, (compute, out) -> Activations.silu(compute, out, product), dims),
        twins.run(c, (compute, out) -> Linear.silu(compute, out, x, weight, bias), dims));
    TensorAssert.assertBits(
        "gated residual",
        twins.run(
            c,
            (compute, out) -> {
              out.copyFrom(before);
              Elementwise.addGated(compute, out, product, gate);
            },
            dims),
        twins.run(
            c,
            (compute, out) -> {
              out.copyFrom(before);
              Linear.addGated(compute, out, gate, x, weight, bias);
            },
            dims));
  }

  @Test
  void aGateOfAnotherLengthIsRefused() {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(2, 4);
      Tensor weight = twins.random(3, 4);
      Tensor out = twins.random(2, 3);
      Tensor gate = twins.random(2);
      assertThatThrownBy(() -> Linear.addGated(twins.vector(), out, gate, x, weight, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("gate");
    }
  }
}
