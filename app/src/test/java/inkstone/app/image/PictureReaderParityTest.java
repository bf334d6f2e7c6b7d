package inkstone.app.image;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.model.image.Image;
import inkstone.model.image.Resize;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Pictures of every kind against the RGB bytes that Pillow reads from them ({@code
 * reference/picture_fixtures.py}), and the golden cases that start from a picture file.
 */
class PictureReaderParityTest {
  private static final Pattern RESIZED =
      Pattern.compile("out\\.(.+/.+\\.png)\\.lanczos\\.(\\d+)x(\\d+)");

  static Path folder() {
    return Golden.root().resolve("app/src/test/resources/pictures");
  }

  static List<Path> pictures() throws Exception {
    try (Stream<Path> files = Files.list(folder())) {
      return files.filter(f -> !f.toString().endsWith(".rgb")).sorted().toList();
    }
  }

  @Test
  void allFixturesAreThere() throws Exception {
    assertThat(pictures()).hasSize(53);
  }

  @ParameterizedTest
  @MethodSource("pictures")
  void equalsPillow(Path picture) throws Exception {
    ByteBuffer expected =
        ByteBuffer.wrap(Files.readAllBytes(Path.of(picture + ".rgb")))
            .order(ByteOrder.LITTLE_ENDIAN);
    int width = expected.getInt();
    int height = expected.getInt();
    byte[] rgb = new byte[expected.remaining()];
    expected.get(rgb);
    Image actual = PictureReader.read(picture);
    assertThat(actual.size().toString()).isEqualTo(width + "x" + height);
    assertThat(actual.rgb()).isEqualTo(rgb);
  }

  @Test
  void goldenPicturesResize() throws Exception {
    int cases = 0;
    try (Golden golden = Golden.open("resize")) {
      for (String name : golden.names()) {
        Matcher m = RESIZED.matcher(name);
        if (!m.matches()) {
          continue;
        }
        Image picture = PictureReader.read(Golden.root().resolve(m.group(1)));
        Image actual =
            Resize.lanczos(picture, Integer.parseInt(m.group(2)), Integer.parseInt(m.group(3)));
        assertThat(actual).as(name).isEqualTo(image(golden, name));
        cases++;
      }
    }
    assertThat(cases).isEqualTo(4);
  }

  @Test
  void goldenPicturesForTheVisionTower() throws Exception {
    int cases = 0;
    try (Golden golden = Golden.open("preprocess")) {
      for (var entry : golden.request().get("cases").fields().entrySet()) {
        Path path = Golden.root().resolve(entry.getValue().get("picture").asString());
        Image picture = PictureReader.read(path);
        String key = entry.getKey();
        if (golden.has(key + ".input")) {
          Image input = image(golden, key + ".input");
          picture = Resize.lanczos(picture, input.width(), input.height());
          assertThat(picture).as(key).isEqualTo(input);
        }
        Image resized = image(golden, key + ".resized");
        assertThat(Resize.torchBicubic(picture, resized.width(), resized.height()))
            .as(key)
            .isEqualTo(resized);
        cases++;
      }
    }
    assertThat(cases).isGreaterThanOrEqualTo(8);
  }

  private static Image image(Golden golden, String name) {
    var pixels = golden.tensor(name);
    Image image = Image.blank((int) pixels.dim(1), (int) pixels.dim(0));
    for (int i = 0; i < image.rgb().length; i++) {
      image.rgb()[i] = (byte) pixels.getLong(i);
    }
    return image;
  }
}
