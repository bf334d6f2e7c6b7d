package inkstone.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TensorAssertTest {
  @ParameterizedTest
  @ValueSource(floats = {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY})
  void nonFiniteIsRejectedOnEitherSide(float bad) {
    float[] good = {1, 2};
    float[] broken = {1, bad};
    for (float[][] pair : new float[][][] {{good, broken}, {broken, good}, {broken, broken}}) {
      assertThatThrownBy(() -> TensorAssert.assertAbs("x", pair[0], pair[1], 1e30))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("not finite at index 1");
      assertThatThrownBy(() -> TensorAssert.assertRel("x", pair[0], pair[1], 1e30))
          .isInstanceOf(AssertionError.class);
      assertThatThrownBy(() -> TensorAssert.assertBits("x", pair[0], pair[1]))
          .isInstanceOf(AssertionError.class);
    }
  }

  @Test
  void differencesAreMeasuredAndNamed() {
    float[] expected = {3, 4};
    float[] actual = {3, 4.5f};
    TensorAssert.Difference d = TensorAssert.compare("x", expected, actual);
    assertThat(d.maxAbs()).isEqualTo(0.5);
    assertThat(d.worst()).isEqualTo(1);
    assertThat(d.maxRel()).isEqualTo(0.5 / Math.sqrt(12.5));
    TensorAssert.assertAbs("x", expected, actual, 0.5);
    assertThatThrownBy(() -> TensorAssert.assertAbs("x", expected, actual, 0.49))
        .isInstanceOf(AssertionError.class)
        .hasMessageContaining("worst at index 1")
        .hasMessageContaining("4.5");
    assertThatThrownBy(() -> TensorAssert.assertBits("x", expected, actual))
        .isInstanceOf(AssertionError.class);
  }

  @Test
  void emptyAndUnequalLengthsAreRejected() {
    assertThatThrownBy(() -> TensorAssert.compare("x", new float[0], new float[0]))
        .hasMessageContaining("nothing to compare");
    assertThatThrownBy(() -> TensorAssert.compare("x", new float[1], new float[2]))
        .hasMessageContaining("expected 1 elements");
  }
}
