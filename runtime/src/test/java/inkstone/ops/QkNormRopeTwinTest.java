package inkstone.ops;

import inkstone.kernel.ScalarKernels;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class QkNormRopeTwinTest {
  private static final float EPS = 1e-6f;

  /** Of the norm, which is the less exact of the two. */
  private static final double TOLERANCE = 2e-6;

  @ParameterizedTest
  @CsvSource({"3,2", "3,6", "1,16", "32,30", "33,32", "70,34", "3,80", "3,100", "24,128", "3,258"})
  void twinsAgreeAndEqualTheTwoOps(int heads, int d) {
    int tokens = 9;
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels())) {
      Tensor x = twins.random(tokens, heads, d);
      Tensor weight = twins.random(DType.BF16, d);
      Tensor cos = twins.random(tokens, d / 2);
      Tensor sin = twins.random(tokens, d / 2);
      Twins.Op fused =
          (c, y) -> {
            y.copyFrom(x);
            QkNormRope.interleaved(c, y, weight, cos, sin, EPS);
          };
      Twins.Op apart =
          (c, y) -> {
            RmsNorm.forward(c, y, x, weight, EPS);
            Rope.interleaved(c, y, cos, sin);
          };
      twins.assertClose("fused", fused, TOLERANCE, tokens, heads, d);
      for (Compute c : new Compute[] {twins.vector(), scalar}) {
        TensorAssert.assertBits(
            c.describe(),
            twins.run(c, apart, tokens, heads, d),
            twins.run(c, fused, tokens, heads, d));
      }
    }
  }

  @Test
  void rowDependsOnNothingElse() {
    int tokens = 700;
    int d = 20;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(tokens, 2, d);
      Tensor weight = twins.random(d);
      Tensor cos = twins.random(tokens, d / 2);
      Tensor sin = twins.random(tokens, d / 2);
      float[] whole = run(twins, twins.vector(), x, weight, cos, sin);
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          TensorAssert.assertBits(threads + " threads", whole, run(twins, c, x, weight, cos, sin));
          for (int i = 0; i < tokens; i += 61) {
            float[] one =
                run(twins, c, x.rows(i, i + 1), weight, cos.rows(i, i + 1), sin.rows(i, i + 1));
            TensorAssert.assertBits(
                "token " + i, Arrays.copyOfRange(whole, i * 2 * d, (i + 1) * 2 * d), one);
          }
        }
      }
    }
  }

  private static float[] run(
      Twins twins, Compute compute, Tensor x, Tensor weight, Tensor cos, Tensor sin) {
    return twins.run(
        compute,
        (c, y) -> {
          y.copyFrom(x);
          QkNormRope.interleaved(c, y, weight, cos, sin, EPS);
        },
        x.shape().toArray());
  }
}
