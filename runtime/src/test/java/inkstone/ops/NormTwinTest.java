package inkstone.ops;

import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NormTwinTest {
  private static final float EPS = 1e-6f;
  private static final double TOLERANCE = 2e-6;

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 15, 16, 17, 31, 32, 33, 80, 128, 384, 1001})
  void layerNorm(int channels) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(5, channels);
      Tensor weight = twins.random(DType.BF16, channels);
      Tensor bias = twins.random(DType.F16, channels);
      Tensor shift = twins.random(channels);
      Tensor scale = twins.random(channels);
      double tolerance = channels == 1 ? 1e-3 : TOLERANCE;
      twins.assertClose(
          "affine",
          (c, out) -> LayerNorm.forward(c, out, x, weight, bias, EPS),
          tolerance,
          5,
          channels);
      twins.assertClose(
          "plain",
          (c, out) -> {
            LayerNorm.forward(c, out, x, null, null, EPS);
            Elementwise.add(c, out, out, x);
          },
          tolerance,
          5,
          channels);
      twins.assertClose(
          "modulated",
          (c, out) -> LayerNorm.modulated(c, out, x, shift, scale, EPS),
          tolerance,
          5,
          channels);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 8, 15, 16, 17, 31, 32, 33, 80, 128, 384, 1001})
  void rmsNorm(int channels) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(2, 3, channels);
      Tensor weight = twins.random(DType.BF16, channels);
      Tensor gamma = twins.random(channels);
      twins.assertClose(
          "weighted",
          (c, out) -> RmsNorm.forward(c, out, x, weight, EPS),
          TOLERANCE,
          2,
          3,
          channels);
      twins.assertClose(
          "plain", (c, out) -> RmsNorm.forward(c, out, x, null, EPS), TOLERANCE, 2, 3, channels);
      twins.assertClose("l2", (c, out) -> RmsNorm.l2(c, out, x, gamma), TOLERANCE, 2, 3, channels);
      twins.assertClose(
          "l2Silu", (c, out) -> RmsNorm.l2Silu(c, out, x, gamma), TOLERANCE, 2, 3, channels);
    }
  }

  @Test
  void l2OfZerosIsZero() {
    try (Twins twins = new Twins()) {
      Tensor x = Tensor.f32(twins.arena(), "zeros", 2, 40);
      Tensor gamma = twins.random(40);
      twins.assertBits("zeros", (c, out) -> RmsNorm.l2(c, out, x, gamma), 2, 40);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 16, 17, 33, 100})
  void softmax(int n) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(4, n);
      twins.assertClose("softmax", (c, out) -> Softmax.forward(c, out, x), TOLERANCE, 4, n);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 16, 30, 64})
  void trueCfg(int channels) {
    try (Twins twins = new Twins()) {
      Tensor positive = twins.random(9, channels);
      Tensor negative = twins.random(9, channels);
      twins.assertClose(
          "trueCfg",
          (c, out) -> {
            out.copyFrom(positive);
            Guidance.trueCfg(c, out, negative, 4f);
          },
          TOLERANCE,
          9,
          channels);
    }
  }

  @Test
  void rowDependsOnNothingElse() {
    int rows = 600;
    int channels = 50;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(rows, channels);
      Tensor weight = twins.random(channels);
      float[] whole =
          twins.run(
              twins.vector(),
              (c, out) -> LayerNorm.forward(c, out, x, weight, null, EPS),
              rows,
              channels);
      for (int row = 0; row < rows; row += 97) {
        int i = row;
        float[] one =
            twins.run(
                twins.vector(),
                (c, out) -> LayerNorm.forward(c, out, x.rows(i, i + 1), weight, null, EPS),
                1,
                channels);
        TensorAssert.assertBits(
            "row " + row, Arrays.copyOfRange(whole, i * channels, (i + 1) * channels), one);
      }
    }
  }
}
