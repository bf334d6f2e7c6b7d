package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import inkstone.kernel.ScalarKernels;
import inkstone.tensor.Tensor;
import java.math.BigDecimal;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class RowDifferenceTwinTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 100, 129, 3072})
  void equalBits(int channels) {
    int rows = 100_003 / channels;
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels())) {
      Tensor a = twins.random(rows, channels);
      Tensor b = twins.random(rows, channels);
      RowDifference expected = inOrder(a, b);
      assertThat(RowDifference.squares(scalar, a, b)).isEqualTo(expected);
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          assertThat(RowDifference.squares(c, a, b)).as("%s threads", threads).isEqualTo(expected);
        }
      }
    }
  }

  /** The order of additions, written out a second time. */
  private static RowDifference inOrder(Tensor a, Tensor b) {
    float[] left = a.toFloatArray();
    float[] right = b.toFloatArray();
    int channels = (int) a.dim(1);
    double difference = 0;
    double reference = 0;
    for (int row = 0; row < left.length; row += channels) {
      double rowDifference = 0;
      double rowReference = 0;
      for (int chain = 0; chain < 8; chain++) {
        double chainDifference = 0;
        double chainReference = 0;
        for (int i = row + chain; i < row + channels; i += 8) {
          double d = (double) left[i] - right[i];
          chainDifference = Math.fma(d, d, chainDifference);
          chainReference += (double) right[i] * right[i]; // exact: 48 bits
        }
        rowDifference += chainDifference;
        rowReference += chainReference;
      }
      difference += rowDifference;
      reference += rowReference;
    }
    return new RowDifference(difference, reference);
  }

  @Test
  void isTheSum() {
    try (Twins twins = new Twins()) {
      Tensor a = twins.random(5, 3, 67);
      Tensor b = twins.random(5, 3, 67);
      BigDecimal difference = BigDecimal.ZERO;
      BigDecimal reference = BigDecimal.ZERO;
      for (int i = 0; i < a.elements(); i++) {
        BigDecimal v = new BigDecimal(b.getFloat(i));
        BigDecimal d = new BigDecimal(a.getFloat(i)).subtract(v);
        difference = difference.add(d.multiply(d));
        reference = reference.add(v.multiply(v));
      }
      RowDifference actual = RowDifference.squares(twins.vector(), a, b);
      assertThat(actual.differenceSquares() / difference.doubleValue()).isCloseTo(1, within(1e-14));
      assertThat(actual.referenceSquares() / reference.doubleValue()).isCloseTo(1, within(1e-14));
      assertThat(RowDifference.squares(twins.vector(), a, a).differenceSquares()).isZero();
    }
  }

  @Test
  void oneNanIsSeenWhereverItStands() {
    try (Twins twins = new Twins()) {
      for (int at = 0; at < 2 * 37; at++) {
        Tensor a = twins.random(2, 37);
        Tensor b = twins.random(2, 37);
        a.setFloat(at, Float.NaN);
        RowDifference inA = RowDifference.squares(twins.vector(), a, b);
        assertThat(inA.differenceSquares()).isNaN();
        assertThat(inA.referenceSquares()).isFinite();
        a.setFloat(at, Float.POSITIVE_INFINITY);
        b.setFloat(at, Float.POSITIVE_INFINITY);
        RowDifference inBoth = RowDifference.squares(twins.vector(), a, b);
        assertThat(inBoth.differenceSquares()).isNaN();
        assertThat(inBoth.referenceSquares()).isInfinite();
      }
    }
  }

  @Test
  void nothingIsZero() {
    try (Twins twins = new Twins()) {
      Tensor none = twins.random(0, 3, 8);
      assertThat(RowDifference.squares(twins.vector(), none, none))
          .isEqualTo(new RowDifference(0, 0));
    }
  }
}
