package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class GemvTwinTest {
  /** Of the rms: sums of up to 3,072 products in F32 against double. */
  private static final double TOLERANCE = 5e-6;

  private static final DType[] FLOATS = {
    DType.F32, DType.BF16, DType.F16, DType.F8_E4M3, DType.F8_E5M2
  };
  private static final DType[] SUPER_BLOCKS = {
    DType.Q2_K, DType.Q3_K, DType.Q4_K, DType.Q5_K, DType.Q6_K, DType.IQ4_XS
  };
  private static final DType[] SMALL_BLOCKS = {
    DType.Q8_0, DType.Q4_0, DType.Q4_1, DType.Q5_0, DType.Q5_1, DType.IQ4_NL
  };

  @ParameterizedTest
  @CsvSource({
    "1,1,1",
    "1,31,17",
    "1,64,520",
    "2,8,3",
    "3,33,16",
    "5,70,130",
    "8,64,64",
    "9,13,33",
    "17,5,100",
    "1,3,1030",
    "1,513,513",
    "1,40,3072"
  })
  void closeToScalar(int m, int n, int k) {
    for (DType dtype : FLOATS) {
      compare(dtype, m, n, k);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,256", "1,7,512", "2,33,768", "9,13,1280", "1,40,3072"})
  void closeToScalarInBlocks(int m, int n, int k) {
    for (DType dtype : SUPER_BLOCKS) {
      compare(dtype, m, n, k);
    }
    closeToScalarInSmallBlocks(m, n, k);
  }

  @ParameterizedTest
  @CsvSource({"1,5,32", "3,9,96", "2,6,1056"})
  void closeToScalarInSmallBlocks(int m, int n, int k) {
    for (DType dtype : SMALL_BLOCKS) {
      compare(dtype, m, n, k);
    }
  }

  private static void compare(DType dtype, int m, int n, int k) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(m, k);
      Tensor weight = weights(twins, dtype, n, k);
      Tensor bias = twins.random(DType.BF16, n);
      twins.assertClose(
          dtype + " with bias", (c, out) -> Gemv.forward(c, out, x, weight, bias), TOLERANCE, m, n);
      twins.assertClose(
          dtype.name(), (c, out) -> Gemv.forward(c, out, x, weight, null), TOLERANCE, m, n);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      mode = EnumSource.Mode.EXCLUDE,
      names = {"F64", "I64", "I32", "I16", "I8", "U8", "BOOL"})
  void elementDependsOnNothingElse(DType dtype) {
    int m = 11;
    int n = 75;
    int k = 768;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(m, k);
      Tensor weight = weights(twins, dtype, n, k);
      Tensor bias = twins.random(n);
      Twins.Op op = (c, out) -> Gemv.forward(c, out, x, weight, bias);
      float[] whole = twins.run(twins.vector(), op, m, n);
      twins.assertRowsAlone(
          whole, (c, out, rows) -> Gemv.forward(c, out, rows, weight, bias), x, n);
      for (int column = 1; column < n; column += 13) {
        int first = column;
        float[] one =
            twins.run(
                twins.vector(),
                (c, out) ->
                    Gemv.forward(
                        c,
                        out,
                        x,
                        weight.rows(first, first + 1),
                        bias.view(n, 1).rows(first, first + 1).view(1)),
                m,
                1);
        for (int row = 0; row < m; row++) {
          assertThat(one[row])
              .as("row %s, column %s", row, first)
              .isEqualTo(whole[row * n + first]);
        }
      }
    }
  }

  /** Infinities and NaN of a weight reach the columns that have them, and no others. */
  @Test
  void specialWeights() {
    int k = 64;
    try (Twins twins = new Twins()) {
      for (DType dtype : new DType[] {DType.F16, DType.F8_E5M2, DType.F8_E4M3}) {
        Tensor x = twins.random(2, k);
        Tensor weight = weights(twins, dtype, 6, k);
        int nan = dtype == DType.F16 ? 0x7e00 : 0x7f;
        int infinity = dtype == DType.F16 ? 0xfc00 : 0xfc;
        setBits(weight, k + 21, nan);
        if (dtype != DType.F8_E4M3) { // it has no infinity
          setBits(weight, 4 * k + 3, infinity);
        }
        float[] y =
            twins.run(twins.vector(), (c, out) -> Gemv.forward(c, out, x, weight, null), 2, 6);
        for (int i = 0; i < y.length; i++) {
          int column = i % 6;
          assertThat(Float.isNaN(y[i])).as("%s %s", dtype, i).isEqualTo(column == 1);
          boolean infinite = column == 4 && dtype != DType.F8_E4M3;
          assertThat(Float.isInfinite(y[i])).as("%s %s", dtype, i).isEqualTo(infinite);
          if (infinite) {
            assertThat(y[i] > 0).isEqualTo(x.getFloat(i / 6 * k + 3) < 0);
          }
        }
      }
    }
  }

  private static void setBits(Tensor t, long i, int bits) {
    if (t.dtype() == DType.F16) {
      t.segment().set(ValueLayout.JAVA_SHORT_UNALIGNED, 2 * i, (short) bits);
    } else {
      t.segment().set(ValueLayout.JAVA_BYTE, i, (byte) bits);
    }
  }

  /** Random weights of about unit size; in the narrow types random bits, subnormals among them. */
  private static Tensor weights(Twins twins, DType dtype, int n, int k) {
    if (dtype == DType.F32 || dtype == DType.BF16) {
      return twins.random(dtype, n, k);
    }
    return StoredWeights.random(twins.arena(), dtype, 7, n, k);
  }
}
