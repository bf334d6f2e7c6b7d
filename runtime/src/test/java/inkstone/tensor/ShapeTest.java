package inkstone.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ShapeTest {
  @Test
  void countsElements() {
    assertThat(Shape.of().elements()).isEqualTo(1);
    assertThat(Shape.of(3, 0, 5).elements()).isZero();
    assertThat(Shape.of(1L << 20, 1L << 20).elements()).isEqualTo(1L << 40);
    assertThat(Shape.of(2, 3)).isEqualTo(Shape.of(2, 3)).hasSameHashCodeAs(Shape.of(2, 3));
    assertThat(Shape.of(2, 3)).isNotEqualTo(Shape.of(3, 2)).hasToString("[2, 3]");
  }

  @Test
  void overflowAndNegativeSizesAreRefused() {
    assertThatThrownBy(() -> Shape.of(1L << 32, 1L << 31)).hasMessageContaining("overflows");
    assertThatThrownBy(() -> Shape.of(Long.MAX_VALUE, 2)).hasMessageContaining("overflows");
    assertThatThrownBy(() -> Shape.of(2, -1)).hasMessageContaining("expected 0 or more");
  }

  @Test
  void isImmutable() {
    long[] dims = {2, 3};
    Shape shape = Shape.of(dims);
    dims[0] = 9;
    shape.toArray()[1] = 9;
    assertThat(shape).isEqualTo(Shape.of(2, 3));
  }
}
