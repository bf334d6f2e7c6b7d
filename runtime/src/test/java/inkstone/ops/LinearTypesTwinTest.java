package inkstone.ops;

import inkstone.kernel.ScalarKernels;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A layer with stored weights is, to the bit, the layer with those weights widened. */
class LinearTypesTwinTest {
  private static final int[] ROWS = {1, 5, 6, 13, 29};
  private static final int[] COLUMNS = {1, 33, 70, 257};

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"F64", "F32", "I64", "I32", "I16", "I8", "U8", "BOOL"})
  void sameBitsAsWidenedWeights(DType dtype) {
    int[] depths =
        switch (dtype.blockElements()) {
          case 1 -> new int[] {1, 17, 531};
          case 32 -> new int[] {32, 96, 544};
          default -> new int[] {256, 768};
        };
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels());
        Compute one = Compute.open(1);
        Compute five = Compute.open(5)) {
      int drawn = 0;
      for (int k : depths) {
        for (int n : COLUMNS) {
          int m = ROWS[drawn++ % ROWS.length];
          Tensor x = twins.random(m, k);
          Tensor bias = twins.random(n);
          Tensor stored = StoredWeights.random(twins.arena(), dtype, drawn, n, k);
          Tensor wide = Tensor.of(twins.arena(), "wide", stored.toFloatArray(), n, k);
          float[] expected =
              twins.run(one, (c, out) -> Linear.forward(c, out, x, wide, bias), m, n);
          for (Compute compute : new Compute[] {scalar, one, twins.vector(), five}) {
            TensorAssert.assertBits(
                dtype + " [" + m + ", " + n + ", " + k + "], " + compute.describe(),
                expected,
                twins.run(compute, (c, out) -> Linear.forward(c, out, x, stored, bias), m, n));
          }
        }
      }
    }
  }
}
