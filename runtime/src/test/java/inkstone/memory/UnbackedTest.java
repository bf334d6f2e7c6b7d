package inkstone.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import org.junit.jupiter.api.Test;

class UnbackedTest {
  @Test
  void hasASizeButNoMemory() {
    Shape shape = Shape.of(1L << 20, 1L << 20);
    Tensor tensor = new Tensor("dry", DType.F32, shape, Unbacked.segment(4L << 40));
    assertThat(tensor.rows(1, 3).dim(0)).isEqualTo(2);
    assertThat(tensor.view(1L << 40).elements()).isEqualTo(1L << 40);
    assertThatThrownBy(() -> tensor.getFloat(0)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> tensor.setFloat(0, 1)).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(tensor::address).isInstanceOf(IllegalStateException.class);
  }
}
