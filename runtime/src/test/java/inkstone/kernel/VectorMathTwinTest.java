package inkstone.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class VectorMathTwinTest {
  private static final int LANES = VectorShapes.LANES;

  private static float[] exp(float... x) {
    float[] padded = new float[(x.length + LANES - 1) / LANES * LANES];
    System.arraycopy(x, 0, padded, 0, x.length);
    for (int i = 0; i < padded.length; i += LANES) {
      VectorMath.exp(FloatVector.fromArray(VectorShapes.FLOATS, padded, i)).intoArray(padded, i);
    }
    return Arrays.copyOf(padded, x.length);
  }

  @Test
  void expIsWithinTwoUlp() {
    int n = 60_000;
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = -87f + i * (88.376f + 87f) / (n - 1);
    }
    float[] y = exp(x);
    double worst = 0;
    for (int i = 0; i < n; i++) {
      double expected = Math.exp(Math.min(x[i], 88.376f));
      worst = Math.max(worst, Math.abs(y[i] - expected) / Math.ulp((float) expected));
    }
    assertThat(worst).isLessThanOrEqualTo(2);
  }

  @Test
  void expAtItsEnds() {
    float[] y =
        exp(
            0f,
            -0f,
            Float.NEGATIVE_INFINITY,
            -87.01f,
            -1e30f,
            Float.NaN,
            100f,
            Float.POSITIVE_INFINITY);
    assertThat(y[0]).isEqualTo(1f);
    assertThat(y[1]).isEqualTo(1f);
    assertThat(y[2]).isEqualTo(0f);
    assertThat(y[3]).isEqualTo(0f);
    assertThat(y[4]).isEqualTo(0f);
    assertThat(y[5]).isNaN();
    assertThat(y[6]).isFinite().isGreaterThan(2e38f);
    assertThat(y[7]).isEqualTo(y[6]);
  }

  @Test
  void sumAddsAllLanes() {
    float[] values = new float[LANES];
    float expected = 0;
    for (int i = 0; i < LANES; i++) {
      values[i] = i + 1;
      expected += i + 1;
    }
    assertThat(VectorMath.sum(FloatVector.fromArray(VectorShapes.FLOATS, values, 0)))
        .isEqualTo(expected);
  }
}
