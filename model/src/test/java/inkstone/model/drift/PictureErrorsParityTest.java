package inkstone.model.drift;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import inkstone.loader.Golden;
import inkstone.model.image.Image;
import inkstone.tensor.Tensor;
import java.util.Optional;
import java.util.OptionalDouble;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Metrics and regions against numpy, which computes each SSIM window on its own. */
final class PictureErrorsParityTest {
  private static final double TOLERANCE = 1e-11;

  private static Image image(Tensor pixels) {
    Image image = Image.blank((int) pixels.dim(1), (int) pixels.dim(0));
    for (int i = 0; i < image.rgb().length; i++) {
      image.rgb()[i] = (byte) pixels.getLong(i);
    }
    return image;
  }

  @ParameterizedTest
  @ValueSource(strings = {"noise", "edit", "untouched", "replaced", "equal", "small"})
  void equalsTheReference(String name) throws Exception {
    try (Golden golden = Golden.open("image_metrics")) {
      Image off = image(golden.tensor(name + ".off"));
      EditedRegion region = EditedRegion.of(image(golden.tensor(name + ".source")), off);
      Tensor mask = golden.tensor(name + ".region");
      long edited = 0;
      for (int i = 0; i < mask.elements(); i++) {
        assertThat(region.contains(i % off.width(), i / off.width()))
            .as("pixel %d", i)
            .isEqualTo(mask.getLong(i) == 1);
        edited += mask.getLong(i);
      }
      assertThat(region.share()).isEqualTo(edited / (double) mask.elements());

      PictureErrors errors = PictureErrors.of(image(golden.tensor(name + ".actual")), off, region);
      check(golden, name + ".whole", Optional.of(errors.whole()));
      check(golden, name + ".edited", errors.edited());
      check(golden, name + ".preserved", errors.preserved());
    }
  }

  private static void check(Golden golden, String key, Optional<PictureError> actual)
      throws Exception {
    assertThat(actual.isPresent()).as(key).isEqualTo(golden.has(key));
    if (actual.isEmpty()) {
      return;
    }
    Tensor row = golden.tensor(key);
    double[] expected = new double[6];
    for (int i = 0; i < expected.length; i++) {
      expected[i] = row.segment().get(java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i);
    }
    PictureError error = actual.get();
    assertThat(error.pixels()).isEqualTo((long) expected[0]);
    assertThat(error.max()).isEqualTo((int) expected[1]);
    assertThat(error.mean()).isCloseTo(expected[2], within(TOLERANCE));
    if (expected[3] == golden.request().get("equal").asDouble()) {
      assertThat(error.psnr()).isEqualTo(Double.POSITIVE_INFINITY);
    } else {
      assertThat(error.psnr()).isCloseTo(expected[3], within(TOLERANCE));
    }
    if (expected[4] == golden.request().get("none").asDouble()) {
      assertThat(error.ssim()).isEmpty();
    } else {
      assertThat(error.ssim().orElse(Double.NaN)).isCloseTo(expected[4], within(TOLERANCE));
    }
    assertThat(error.visible()).isCloseTo(expected[5], within(TOLERANCE));
  }

  @ParameterizedTest
  @ValueSource(strings = {"equal"})
  void equalPicturesHaveASimilarityOfExactlyOne(String name) throws Exception {
    try (Golden golden = Golden.open("image_metrics")) {
      Image off = image(golden.tensor(name + ".off"));
      EditedRegion region = EditedRegion.of(image(golden.tensor(name + ".source")), off);
      PictureErrors errors = PictureErrors.of(off, off, region);
      assertThat(errors.whole().ssim()).isEqualTo(OptionalDouble.of(1));
      assertThat(errors.edited().orElseThrow().ssim()).isEqualTo(OptionalDouble.of(1));
      assertThat(errors.whole().max()).isZero();
    }
  }
}
