package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A weight with a scale is, to the bit, the weight widened, multiplied and rounded beforehand. */
class ScaledWeightsTwinTest {
  /** Neither the factor nor most products are short numbers. */
  private static final float SCALE = 0.00317f;

  private static final float TINY = 0x1.8p-140f;

  /** Of the rms: sums of 512 products in F32 against double. */
  private static final double TOLERANCE = 5e-6;

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16", "F8_E4M3", "F8_E5M2", "Q8_0", "Q5_K", "IQ4_XS"})
  void sameBitsAsDequantised(DType dtype) {
    int k = dtype.blockElements() == 1 ? 531 : 512;
    int n = 70;
    try (Twins twins = new Twins();
        Compute one = Compute.open(1)) {
      for (float scale : new float[] {SCALE, -SCALE, TINY, 0}) {
        Tensor stored = StoredWeights.random(twins.arena(), dtype, 5, n, k);
        Tensor scaled = stored.scaled(scale);
        Tensor wide = dequantised(twins, stored, scale);
        String what = dtype + " times " + scale;
        TensorAssert.assertBits(what, wide.toFloatArray(), scaled.toFloatArray());
        TensorAssert.assertBits(
            what,
            wide.toFloatArray(),
            twins.run(one, (c, out) -> Widen.forward(c, out, scaled), n, k));
        Tensor bias = twins.random(n);
        for (int m : new int[] {1, 7, 29}) {
          Tensor x = twins.random(m, k);
          float[] linear = twins.run(one, (c, out) -> Linear.forward(c, out, x, wide, bias), m, n);
          float[] gemv = twins.run(one, (c, out) -> Gemv.forward(c, out, x, wide, bias), m, n);
          twins.assertBits(what, (c, out) -> Linear.forward(c, out, x, scaled, bias), m, n);
          for (Compute c : new Compute[] {one, twins.vector()}) {
            TensorAssert.assertBits(
                what,
                linear,
                twins.run(c, (d, out) -> Linear.forward(d, out, x, scaled, bias), m, n));
            TensorAssert.assertBits(
                what, gemv, twins.run(c, (d, out) -> Gemv.forward(d, out, x, scaled, bias), m, n));
          }
          twins.assertClose(
              what, (c, out) -> Gemv.forward(c, out, x, scaled, bias), TOLERANCE, m, n);
        }
      }
    }
  }

  @Test
  void parametersAreScaledToo() {
    int n = 70;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(5, n);
      for (DType dtype : List.of(DType.F32, DType.F8_E4M3)) {
        Tensor stored = StoredWeights.random(twins.arena(), dtype, 5, 1, n).view(n);
        Tensor scaled = stored.scaled(SCALE);
        Tensor wide = dequantised(twins, stored, SCALE);
        same(
            twins,
            (c, out) -> RmsNorm.forward(c, out, x, wide, 1e-6f),
            (c, out) -> RmsNorm.forward(c, out, x, scaled, 1e-6f),
            5,
            n);
        same(
            twins,
            (c, out) -> LayerNorm.forward(c, out, x, wide, wide, 1e-6f),
            (c, out) -> LayerNorm.forward(c, out, x, scaled, scaled, 1e-6f),
            5,
            n);
        Tensor weight = twins.random(n, n);
        same(
            twins,
            (c, out) -> Linear.forward(c, out, x, weight, wide),
            (c, out) -> Linear.forward(c, out, x, weight, scaled),
            5,
            n);
      }
      Tensor kernel = StoredWeights.random(twins.arena(), DType.F8_E4M3, 5, 4, 27).view(4, 3, 3, 3);
      Tensor wide = dequantised(twins, kernel, SCALE);
      Tensor picture = twins.random(5, 6, 3);
      same(
          twins,
          (c, out) -> convolve(twins, c, out, picture, wide),
          (c, out) -> convolve(twins, c, out, picture, kernel.scaled(SCALE)),
          5,
          6,
          4);
    }
  }

  @Test
  void whatReadsBitsRefuses() {
    try (Twins twins = new Twins()) {
      Compute c = twins.vector();
      Tensor x = twins.random(4, 8);
      Tensor y = twins.random(4, 8);
      Tensor weight = twins.random(8, 8);
      Tensor scaled = x.scaled(SCALE);
      refused("Linear: scale of x", () -> Linear.forward(c, y, scaled, weight, null));
      refused("Linear: scale of out", () -> Linear.forward(c, y.scaled(2), x, weight, null));
      refused("Elementwise.add: scale of", () -> Elementwise.add(c, y, y, scaled));
      refused("Narrow: scale of x", () -> Narrow.forward(c, y, scaled));
      Tensor half = Tensor.allocate(twins.arena(), "half", DType.F16, Shape.of(4, 8));
      refused("Narrow: scale of out", () -> Narrow.forward(c, half.scaled(2), x));
      int[] rows = {0, 1, 2, 3};
      refused("Rows.gather: scale of out", () -> Rows.gather(c, y, scaled, rows));
      Rows.gather(c, y.scaled(SCALE), scaled, rows);
      Tensor q = twins.random(4, 1, 8);
      Tensor out = twins.random(4, 1, 8);
      refused(
          "Attention: scale of ",
          () -> Attention.forward(c, out, q, q.scaled(2), q, AttentionMask.NONE, 1));
    }
  }

  private static void refused(String message, Runnable op) {
    assertThatThrownBy(op::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(message)
        .hasMessageContaining("expected ")
        .hasMessageContaining("; ");
  }

  private static void same(Twins twins, Twins.Op expected, Twins.Op actual, long... dims) {
    TensorAssert.assertBits(
        "scaled parameter",
        twins.run(twins.vector(), expected, dims),
        twins.run(twins.vector(), actual, dims));
  }

  private static void convolve(Twins twins, Compute c, Tensor out, Tensor x, Tensor weight) {
    Conv.forward(c, out, x, Conv.prepare(twins.arena(), weight, null), Conv.Geometry.same(3));
  }

  /** {@code weight.float() * scale} as PyTorch rounds it. */
  private static Tensor dequantised(Twins twins, Tensor stored, float scale) {
    float[] values = stored.toFloatArray();
    for (int i = 0; i < values.length; i++) {
      values[i] *= scale;
    }
    return Tensor.of(twins.arena(), "wide", values, stored.shape().toArray());
  }
}
