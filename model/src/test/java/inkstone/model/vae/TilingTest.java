package inkstone.model.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.model.vae.Tiling.Axis;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class TilingTest {
  @ParameterizedTest
  @CsvSource({
    "256, 256, false",
    "257, 256, true",
    "256, 257, true",
    "8, 8, false",
    "1024, 8, true",
  })
  void defaultSplitsWhatIsLargerThanATileInEitherDirection(
      long height, long width, boolean splits) {
    assertThat(Tiling.DEFAULT.splits(height, width)).isEqualTo(splits);
  }

  @Test
  void offNeverSplits() {
    assertThat(Tiling.OFF.enabled()).isFalse();
    assertThat(Tiling.OFF.splits(Long.MAX_VALUE, Long.MAX_VALUE)).isFalse();
    assertThat(Tiling.DEFAULT.enabled()).isTrue();
  }

  /** Starts, extents and kept sizes worked out by hand from diffusers' slices. */
  @ParameterizedTest
  @CsvSource({
    // size, tile, stride, count, last start, last extent, last kept
    "256, 256, 192, 2, 192, 64, 64",
    "384, 256, 192, 2, 192, 192, 192",
    "385, 256, 192, 3, 384, 1, 1",
    "1024, 256, 192, 6, 960, 64, 64",
    "200, 256, 192, 2, 192, 8, 8",
    "8, 256, 192, 1, 0, 8, 8",
    "64, 32, 32, 2, 32, 32, 32",
    "64, 48, 16, 4, 48, 16, 16",
  })
  void axisCoversTheSize(
      long size, long tile, long stride, int count, long start, long extent, long kept) {
    Axis axis = new Axis(size, tile, stride);
    assertThat(axis.count()).isEqualTo(count);
    assertThat(axis.start(count - 1)).isEqualTo(start);
    assertThat(axis.extent(count - 1)).isEqualTo(extent);
    assertThat(axis.kept(count - 1)).isEqualTo(kept);
    long covered = 0;
    for (int i = 0; i < count; i++) {
      assertThat(axis.start(i)).isEqualTo(covered);
      covered += axis.kept(i);
    }
    assertThat(covered).isEqualTo(size);
  }

  @Test
  void latentAndPixelGridsMeet() {
    assertThat(Tiling.DEFAULT.rows(520, 8)).isEqualTo(new Axis(65, 32, 24));
    assertThat(Tiling.DEFAULT.rows(520, 8).times(8)).isEqualTo(Tiling.DEFAULT.rows(520, 1));
    assertThat(new Tiling(64, 128, 48, 96).columns(256, 8)).isEqualTo(new Axis(32, 16, 12));
  }

  @ParameterizedTest
  @CsvSource({"0, 0", "256, 0", "256, -1", "192, 256", "-256, 192"})
  void impossibleSizesAreRefused(int tile, int stride) {
    assertThatThrownBy(() -> Tiling.square(tile, stride))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "Tiling: height, expected 0 < stride <= tile, got tile "
                + tile
                + " and stride "
                + stride
                + "; use for example tile 256 and stride 192");
  }
}
