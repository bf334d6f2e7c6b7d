package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ResizeTest {
  private static Image noise(int width, int height) {
    Image image = Image.blank(width, height);
    new Random(width * 31L + height).nextBytes(image.rgb());
    return image;
  }

  @Test
  void theSameSizeIsTheSamePicture() {
    Image image = noise(13, 7);
    assertThat(Resize.lanczos(image, 13, 7)).isEqualTo(image);
    assertThat(Resize.bicubic(image, 13, 7)).isEqualTo(image);
    assertThat(Resize.torchBicubic(image, 13, 7)).isEqualTo(image);
  }

  @ParameterizedTest
  @CsvSource({
    "1,1,1,1",
    "1,1,64,3",
    "7,5,1,1",
    "1,500,3,2",
    "500,1,2,3",
    "3,900,77,1",
    "16,16,1000,1"
  })
  void aFlatPictureStaysFlat(int w, int h, int toW, int toH) {
    Image image = Image.blank(w, h);
    for (byte value : new byte[] {0, 1, (byte) 137, (byte) 255}) {
      Arrays.fill(image.rgb(), value);
      for (Image out :
          new Image[] {
            Resize.lanczos(image, toW, toH),
            Resize.bicubic(image, toW, toH),
            Resize.torchBicubic(image, toW, toH)
          }) {
        assertThat(out.width()).isEqualTo(toW);
        assertThat(out.height()).isEqualTo(toH);
        for (byte b : out.rgb()) {
          assertThat(b).isEqualTo(value);
        }
      }
    }
  }

  @Test
  void heightFirstWhenItShrinksMoreThanTwiceAsMuch() {
    Image image = noise(40, 400);
    // 100 rows less against 30 columns less: Pillow 13 takes the height first.
    assertThat(Resize.bicubic(image, 10, 300))
        .isEqualTo(Resize.bicubic(Resize.bicubic(image, 40, 300), 10, 300))
        .isNotEqualTo(Resize.bicubic(Resize.bicubic(image, 10, 400), 10, 300));
    // 60 against 30 is not more than twice.
    assertThat(Resize.bicubic(image, 10, 340))
        .isEqualTo(Resize.bicubic(Resize.bicubic(image, 10, 400), 10, 340))
        .isNotEqualTo(Resize.bicubic(Resize.bicubic(image, 40, 340), 10, 340));
    // PyTorch always takes the width first.
    assertThat(Resize.torchBicubic(image, 10, 300))
        .isEqualTo(Resize.torchBicubic(Resize.torchBicubic(image, 10, 400), 10, 300));
  }

  @ParameterizedTest
  @CsvSource({"0,5", "5,0", "-1,5", "100000,100000"})
  void impossibleTargets(int w, int h) {
    assertThatThrownBy(() -> Resize.lanczos(noise(4, 4), w, h))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("Resize.lanczos: target size")
        .hasMessageContaining(w + "x" + h);
  }
}
