package inkstone.ops;

import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ElementwiseTwinTest {
  /** One ulp of the largest element, over the rms: measured up to 9.2e-7. */
  private static final double TOLERANCE = 1.5e-6;

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 17, 63, 100, 20_001})
  void activations(int n) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(n);
      Elementwise.scale(twins.vector(), x, x, 3f);
      Tensor up = twins.random(n);
      twins.assertClose("geluTanh", (c, y) -> Activations.geluTanh(c, y, x), TOLERANCE, n);
      twins.assertClose("gelu", (c, y) -> Activations.gelu(c, y, x), TOLERANCE, n);
      twins.assertClose("silu", (c, y) -> Activations.silu(c, y, x), TOLERANCE, n);
      twins.assertClose("swiGlu", (c, y) -> Activations.swiGlu(c, y, x, up), TOLERANCE, n);
    }
  }

  @Test
  void activationsOverTheWholeRange() {
    float[] values = new float[4001];
    for (int i = 0; i < values.length; i++) {
      values[i] = (i - 2000) * 0.05f;
    }
    try (Twins twins = new Twins()) {
      Tensor x = Tensor.of(twins.arena(), "range", values, values.length);
      twins.assertClose("geluTanh", (c, y) -> Activations.geluTanh(c, y, x), TOLERANCE, 4001);
      twins.assertClose("gelu", (c, y) -> Activations.gelu(c, y, x), TOLERANCE, 4001);
      twins.assertClose("silu", (c, y) -> Activations.silu(c, y, x), TOLERANCE, 4001);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 16, 17, 100, 20_001})
  void sumsHaveEqualBits(int n) {
    try (Twins twins = new Twins()) {
      Tensor a = twins.random(n);
      Tensor b = twins.random(n);
      twins.assertBits("add", (c, y) -> Elementwise.add(c, y, a, b), n);
      twins.assertBits("scale", (c, y) -> Elementwise.scale(c, y, a, 1.7f), n);
      twins.assertBits(
          "addScaled",
          (c, y) -> {
            y.copyFrom(a);
            Elementwise.addScaled(c, y, b, -0.3f);
          },
          n);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 15, 16, 33, 200})
  void addGatedHasEqualBits(int channels) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(50, channels);
      Tensor y = twins.random(50, channels);
      Tensor gate = twins.random(channels);
      twins.assertBits(
          "addGated",
          (c, out) -> {
            out.copyFrom(x);
            Elementwise.addGated(c, out, y, gate);
          },
          50,
          channels);
    }
  }

  @Test
  void resultDoesNotDependOnThePlace() {
    int n = 20_011;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(n);
      float[] whole = twins.run(twins.vector(), (c, y) -> Activations.gelu(c, y, x), n);
      float[] tail =
          twins.run(twins.vector(), (c, y) -> Activations.gelu(c, y, x.rows(5, n)), n - 5);
      TensorAssert.assertBits("shifted", Arrays.copyOfRange(whole, 5, n), tail);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 6, 16, 32, 34, 80, 128})
  void rope(int d) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(9, 3, d);
      Tensor cos = twins.random(9, d / 2);
      Tensor sin = twins.random(9, d / 2);
      twins.assertClose(
          "interleaved",
          (c, y) -> {
            y.copyFrom(x);
            Rope.interleaved(c, y, cos, sin);
          },
          TOLERANCE,
          9,
          3,
          d);
      twins.assertClose(
          "halfSplit",
          (c, y) -> {
            y.copyFrom(x);
            Rope.halfSplit(c, y, cos, sin);
          },
          TOLERANCE,
          9,
          3,
          d);
    }
  }
}
