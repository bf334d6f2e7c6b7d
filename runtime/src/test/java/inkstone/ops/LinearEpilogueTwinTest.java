package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** A layer that ends in an activation or a gated residual has the bits of the two operations. */
final class LinearEpilogueTwinTest {
  private final Random random = new Random(7);

  @ParameterizedTest
  @CsvSource({"1,1,1", "3,33,7", "8,32,256", "9,65,257", "67,101,513", "70,5,300"})
  void bitsOfTheTwoOperations(int rows, int n, int k) {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor x = random(arena, "x", rows, k);
      Tensor weight = random(arena, "weight", n, k);
      Tensor bias = random(arena, "bias", n);
      Tensor gate = random(arena, "gate", n);
      Tensor before = random(arena, "before", rows, n);
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          check(c, arena, x, weight, bias, gate, before);
        }
      }
      try (Compute c = Compute.scalar()) {
        check(c, arena, x, weight, bias, gate, before);
      }
    }
  }

  private static void check(
      Compute c,
      TensorArena arena,
      Tensor x,
      Tensor weight,
      Tensor bias,
      Tensor gate,
      Tensor before) {
    Tensor plain = Tensor.f32(arena, "plain", before.shape().toArray());
    Linear.forward(c, plain, x, weight, bias);
    final float[] product = plain.toFloatArray();

    Tensor fused = Tensor.f32(arena, "fused", before.shape().toArray());
    Activations.geluTanh(c, plain, plain);
    Linear.geluTanh(c, fused, x, weight, bias);
    assertThat(fused.toFloatArray()).as("GELU").isEqualTo(plain.toFloatArray());

    plain.copyFrom(product);
    Activations.silu(c, plain, plain);
    Linear.silu(c, fused, x, weight, bias);
    assertThat(fused.toFloatArray()).as("SiLU").isEqualTo(plain.toFloatArray());

    plain.copyFrom(product);
    Tensor sum = Tensor.f32(arena, "sum", before.shape().toArray());
    sum.copyFrom(before.toFloatArray());
    fused.copyFrom(before.toFloatArray());
    Elementwise.addGated(c, sum, plain, gate);
    Linear.addGated(c, fused, gate, x, weight, bias);
    assertThat(fused.toFloatArray()).as("gated residual").isEqualTo(sum.toFloatArray());
  }

  @Test
  void aGateOfAnotherLengthIsRefused() {
    try (TensorArena arena = TensorArena.open("test");
        Compute c = Compute.open(1)) {
      Tensor x = random(arena, "x", 2, 4);
      Tensor weight = random(arena, "weight", 3, 4);
      Tensor out = random(arena, "out", 2, 3);
      Tensor gate = random(arena, "gate", 2);
      assertThatThrownBy(() -> Linear.addGated(c, out, gate, x, weight, null))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("gate");
    }
  }

  private Tensor random(TensorArena arena, String name, long... dims) {
    Tensor t = Tensor.f32(arena, name, dims);
    float[] values = new float[(int) t.elements()];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) random.nextGaussian();
    }
    t.copyFrom(values);
    return t;
  }
}
