package inkstone.model.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class NoiseSourceTest {
  private static float[] draw(long seed, int n) {
    float[] out = new float[n];
    NoiseSource.torch(seed).normal(out);
    return out;
  }

  @Test
  void theGeneratorIsMt19937() {
    // Known answer of the reference implementation: the 10000th output for seed 5489.
    MersenneTwister twister = new MersenneTwister(5489);
    for (int i = 1; i < 10_000; i++) {
      twister.nextInt();
    }
    assertThat(twister.nextInt() & 0xffffffffL).isEqualTo(4123659995L);
  }

  @Test
  void onlyTheLow32BitsOfASeedCount() {
    assertThat(draw(7, 40)).isEqualTo(draw(7 + (1L << 32), 40)).isNotEqualTo(draw(8, 40));
  }

  @Test
  void isStandardNormal() {
    float[] values = draw(1, 100_003);
    double sum = 0;
    double squares = 0;
    for (float v : values) {
      assertThat(v).isFinite();
      sum += v;
      squares += v * v;
    }
    assertThat(sum / values.length).isBetween(-0.01, 0.01);
    assertThat(squares / values.length).isBetween(0.98, 1.02);
  }

  @Test
  void drawingNothingChangesNothing() {
    NoiseSource source = NoiseSource.torch(3);
    source.normal(new float[0]);
    float[] after = new float[20];
    source.normal(after);
    assertThat(after).isEqualTo(draw(3, 20));
  }

  @Test
  void uniformValuesHave24Bits() {
    float[] out = new float[1000];
    NoiseSource.torch(0).uniform(out);
    // torch.rand(3) of seed 0.
    assertThat(out).startsWith(0.4962566f, 0.7682218f, 0.08847743f);
    for (float v : out) {
      assertThat(v).isGreaterThanOrEqualTo(0).isLessThan(1);
      assertThat(v * 0x1p24f).isEqualTo((float) (int) (v * 0x1p24f));
    }
  }
}
