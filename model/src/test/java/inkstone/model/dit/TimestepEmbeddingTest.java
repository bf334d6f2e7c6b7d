package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import org.junit.jupiter.api.Test;

class TimestepEmbeddingTest {
  @Test
  void zeroGivesCosinesOfOneBeforeSinesOfZero() {
    float[] projection = TimestepEmbedding.project(0);
    assertThat(projection).hasSize(TimestepEmbedding.PROJECTION);
    for (int i = 0; i < 128; i++) {
      assertThat(projection[i]).isEqualTo(1f);
      assertThat(projection[128 + i]).isZero();
    }
  }

  @Test
  void angleIsAThousandTimesTheNoiseLevelTimesAFallingFrequency() {
    float[] projection = TimestepEmbedding.project(0.5f);
    assertThat((double) projection[0]).isCloseTo(Math.cos(500), within(1e-7));
    assertThat((double) projection[128]).isCloseTo(Math.sin(500), within(1e-7));
    double last = 500 * Math.pow(10_000, -127 / 128.0);
    assertThat((double) projection[127]).isCloseTo(Math.cos(last), within(1e-7));
    assertThat((double) projection[255]).isCloseTo(Math.sin(last), within(1e-7));
  }
}
