package inkstone.model.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

final class KvLayoutTest {
  @ParameterizedTest
  @CsvSource({"F32, 4, 0", "BF16, 2, 0", "F16, 2, 0", "INT8, 1, 4"})
  void bytesAreLayersTimesTwoTimesRowsTimesChannels(KvDtype dtype, long element, long scale) {
    for (int layers : new int[] {1, 2, 60}) {
      for (long rows : new long[] {1, 7, 4096}) {
        for (int heads : new int[] {1, 3, 24}) {
          for (int headDim : new int[] {2, 12, 128}) {
            long expected = layers * 2 * rows * (heads * headDim * element + heads * scale);
            KvLayout layout = new KvLayout(3, 2 + layers, rows, heads, headDim, dtype, false);
            assertThat(layout.layers()).isEqualTo(layers);
            assertThat(layout.bytes()).isEqualTo(expected);
            assertThat(layout.layerBytes() * layers).isEqualTo(expected);
            assertThat(layout.withResume().bytes())
                .isEqualTo(expected + 4 * rows * heads * headDim);
          }
        }
      }
    }
  }

  /** The figures that the documentation gives of a 1024 x 1024 reference. */
  @ParameterizedTest
  @CsvSource({"F32, 5.63", "BF16, 2.81", "F16, 2.81", "INT8, 1.45"})
  void aReferenceOfTheRealModelTakesWhatIsDocumented(KvDtype dtype, double gib) {
    KvLayout layout = new KvLayout(0, 59, 4096, 24, 128, dtype, false);
    assertThat(layout.bytes() / (double) (1L << 30)).isBetween(gib - 0.006, gib + 0.006);
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void partsOfALayerFollowEachOtherWithoutGapsAndScalesLieOnFloats(KvDtype dtype) {
    for (long rows : new long[] {1, 3, 5}) {
      for (int heads : new int[] {1, 3}) {
        KvLayout layout = new KvLayout(0, 0, rows, heads, 6, dtype, false);
        long elements = dtype.dtype().bytes(rows * heads * 6);
        long scales = rows * dtype.scaleBytes(heads);
        assertThat(layout.valueOffset()).isEqualTo(elements);
        assertThat(layout.keyScaleOffset()).isEqualTo(2 * elements);
        assertThat(layout.valueScaleOffset()).isEqualTo(2 * elements + scales);
        assertThat(layout.layerBytes()).isEqualTo(2 * elements + 2 * scales);
        assertThat(layout.keyScaleOffset() % Float.BYTES).isZero();
        assertThat(layout.valueScaleOffset() % Float.BYTES).isZero();
      }
    }
  }

  @Test
  void hugeSizesAreCountedInLongAndRefusedBeyond() {
    KvLayout ten = new KvLayout(0, 59, 10 * 16_384, 24, 128, KvDtype.F32, true);
    assertThat(ten.bytes()).isEqualTo(243_605_176_320L);
    KvLayout beyond = new KvLayout(0, 59, Long.MAX_VALUE / 1000, 24, 128, KvDtype.F32, false);
    assertThatThrownBy(beyond::bytes).isInstanceOf(ArithmeticException.class);
  }

  @Test
  void onlyItsLayersAreKept() {
    KvLayout layout = new KvLayout(2, 4, 1, 1, 2, KvDtype.F32, false);
    for (int layer = -1; layer < 7; layer++) {
      assertThat(layout.keeps(layer)).isEqualTo(layer >= 2 && layer <= 4);
    }
  }

  @Test
  void anotherTypeChangesNothingElse() {
    KvLayout layout = new KvLayout(1, 4, 5, 3, 2, KvDtype.F32, true);
    assertThat(layout.with(KvDtype.INT8))
        .isEqualTo(new KvLayout(1, 4, 5, 3, 2, KvDtype.INT8, true));
    assertThat(layout.with(KvDtype.F32)).isEqualTo(layout);
  }

  @ParameterizedTest
  @CsvSource({
    "-1, 0, 1, 1, 1",
    "1, 0, 1, 1, 1",
    "0, 0, 0, 1, 1",
    "0, 0, 1, 0, 1",
    "0, 0, 1, 1, 0",
  })
  void whatHoldsNothingIsRefused(int first, int last, long rows, int heads, int headDim) {
    assertThatThrownBy(() -> new KvLayout(first, last, rows, heads, headDim, KvDtype.F32, false))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("KvLayout: expected layers from 0 up and at least one row")
        .hasMessageContaining("got layers " + first + " to " + last + ", " + rows + " rows of ")
        .hasMessageEndingWith("leave the cache out when there is no reference");
  }

  @Test
  void everyTypeEndsAtTheSmallest() {
    assertThat(KvDtype.F32.smaller()).isEqualTo(KvDtype.BF16);
    assertThat(KvDtype.BF16.smaller()).isEqualTo(KvDtype.INT8);
    assertThat(KvDtype.F16.smaller()).isEqualTo(KvDtype.INT8);
    assertThat(KvDtype.INT8.smaller()).isEqualTo(KvDtype.INT8);
    for (KvDtype dtype : KvDtype.values()) {
      assertThat(dtype.smaller().rowBytes(24, 128)).isLessThanOrEqualTo(dtype.rowBytes(24, 128));
    }
  }
}
