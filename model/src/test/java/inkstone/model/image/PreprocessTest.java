package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.config.ProcessorConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import org.junit.jupiter.api.Test;

class PreprocessTest {
  @Test
  void notANumberIsNoPicture() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor pixels = Tensor.of(arena, "decoded", new float[] {0, Float.NaN, 0}, 1, 1, 3);
      assertThatThrownBy(() -> Preprocess.toImage(pixels))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("value 1 of decoded")
          .hasMessageContaining("got NaN");
    }
  }

  @Test
  void wrongShapes() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor planar = Tensor.f32(arena, "decoded", 3, 4, 4);
      assertThatThrownBy(() -> Preprocess.toImage(planar))
          .hasMessageContaining("expected F32 [H, W, 3], got decoded");
    }
  }

  @Test
  void tooLong() {
    try (TensorArena arena = TensorArena.open("t")) {
      assertThatThrownBy(
              () -> Preprocess.qwen2Vl(arena, Image.blank(1, 201), ProcessorConfig.QWEN_IMAGE))
          .hasMessageContaining("aspect ratio, expected at most 200, got 201");
    }
  }
}
