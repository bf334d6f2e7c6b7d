package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.tensor.Tensor;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * Resized bytes against Pillow. Cases that name a picture file are the app's, which can read one.
 */
class ResizeParityTest {
  private static final Pattern CASE =
      Pattern.compile("out\\.([^/]+)\\.(lanczos|bicubic)\\.(\\d+)x(\\d+)");

  static Image image(Tensor pixels) {
    Image image = Image.blank((int) pixels.dim(1), (int) pixels.dim(0));
    for (int i = 0; i < image.rgb().length; i++) {
      image.rgb()[i] = (byte) pixels.getLong(i);
    }
    return image;
  }

  @Test
  void equalBytes() throws Exception {
    int cases = 0;
    try (Golden golden = Golden.open("resize")) {
      for (String name : golden.names()) {
        Matcher m = CASE.matcher(name);
        if (!m.matches()) {
          continue;
        }
        Image input = image(golden.tensor("in." + m.group(1)));
        int w = Integer.parseInt(m.group(3));
        int h = Integer.parseInt(m.group(4));
        Image actual =
            m.group(2).equals("lanczos")
                ? Resize.lanczos(input, w, h)
                : Resize.bicubic(input, w, h);
        assertThat(actual).as(name).isEqualTo(image(golden.tensor(name)));
        cases++;
      }
    }
    assertThat(cases).isGreaterThanOrEqualTo(90);
  }
}
