package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SizesTest {
  @Test
  void thePublishedExamples() {
    assertThat(Sizes.calculateDimensions(1 << 20, 1920.0 / 1080)).isEqualTo(new Size(1376, 768));
    assertThat(Sizes.calculateDimensions(384 * 384, 1920.0 / 1080)).isEqualTo(new Size(512, 288));
    assertThat(Sizes.calculateDimensions(1 << 20, new Image(4, 3, new byte[36])))
        .isEqualTo(new Size(1184, 896));
    assertThat(Sizes.smartResize(384, 384, 28, 3136, 12845056)).isEqualTo(new Size(392, 392));
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY, 1e-9, 1e9})
  void impossibleRatios(double ratio) {
    assertThatThrownBy(() -> Sizes.calculateDimensions(128 * 128, ratio))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(String.valueOf(ratio));
  }

  @Test
  void impossibleSizes() {
    assertThatThrownBy(() -> Sizes.calculateDimensions(0, 1)).hasMessageContaining("area 0");
    assertThatThrownBy(() -> Sizes.smartResize(0, 5, 28, 1, 2)).hasMessageContaining("0, 5, 28");
    assertThatThrownBy(() -> Sizes.smartResize(5, 5, 28, 0, 100))
        .hasMessageContaining("check min_pixels");
    assertThatThrownBy(() -> new Size(0, 3)).hasMessageContaining("0x3");
    assertThatThrownBy(() -> new Image(2, 2, new byte[11])).hasMessageContaining("expected 12");
    assertThatThrownBy(() -> Image.blank(1 << 16, 1 << 16)).hasMessageContaining("65536x65536");
  }
}
