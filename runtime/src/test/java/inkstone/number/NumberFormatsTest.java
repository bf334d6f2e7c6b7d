package inkstone.number;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

/** All patterns of the narrow formats, against their definitions written out. */
class NumberFormatsTest {
  @Test
  void bfloat16ComesBackFromEveryPattern() {
    for (int i = 0; i < 1 << 16; i++) {
      float value = BFloat16.toFloat((short) i);
      assertThat(Float.floatToRawIntBits(value)).isEqualTo(i << 16);
      if (Float.isNaN(value)) {
        assertThat(BFloat16.toFloat(BFloat16.fromFloat(value))).isNaN();
      } else {
        assertThat(BFloat16.fromFloat(value)).isEqualTo((short) i);
      }
    }
  }

  @Test
  void bfloat16RoundsToNearestEven() {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 100_000; i++) {
      float value = Float.intBitsToFloat(random.nextInt());
      if (!Float.isFinite(value)) {
        continue;
      }
      int bits = Float.floatToRawIntBits(value);
      int low = bits >>> 16;
      boolean up = (bits & 0xffff) > 0x8000 || (bits & 0xffff) == 0x8000 && (low & 1) == 1;
      assertThat(BFloat16.fromFloat(value)).isEqualTo((short) (up ? low + 1 : low));
    }
    assertThat(BFloat16.toFloat(BFloat16.fromFloat(Float.MAX_VALUE)))
        .isEqualTo(Float.POSITIVE_INFINITY);
    assertThat(BFloat16.toFloat(BFloat16.fromFloat(Float.intBitsToFloat(0x7f800001)))).isNaN();
  }

  @Test
  void e4m3IsOcpWithoutInfinities() {
    for (int i = 0; i < 256; i++) {
      int exponent = i >> 3 & 15;
      int mantissa = i & 7;
      double magnitude =
          exponent == 0
              ? mantissa / 8.0 * Math.pow(2, -6)
              : (1 + mantissa / 8.0) * Math.pow(2, exponent - 7);
      float actual = Float8.e4m3ToFloat((byte) i);
      if ((i & 0x7f) == 0x7f) {
        assertThat(actual).isNaN();
      } else {
        assertThat(actual).isEqualTo((float) (i < 128 ? magnitude : -magnitude));
      }
    }
    assertThat(Float8.e4m3ToFloat((byte) 0x7e)).isEqualTo(448f);
  }

  @Test
  void e5m2IsTheUpperHalfOfFloat16() {
    for (int i = 0; i < 256; i++) {
      int exponent = i >> 2 & 31;
      int mantissa = i & 3;
      float actual = Float8.e5m2ToFloat((byte) i);
      if (exponent == 31 && mantissa != 0) {
        assertThat(actual).isNaN();
        continue;
      }
      double magnitude =
          exponent == 31
              ? Double.POSITIVE_INFINITY
              : exponent == 0
                  ? mantissa / 4.0 * Math.pow(2, -14)
                  : (1 + mantissa / 4.0) * Math.pow(2, exponent - 15);
      assertThat(actual).isEqualTo((float) (i < 128 ? magnitude : -magnitude));
    }
  }

  @Test
  void float16ComesBackFromEveryPattern() {
    for (int i = 0; i < 1 << 16; i++) {
      float value = Float.float16ToFloat((short) i);
      if (!Float.isNaN(value)) {
        assertThat(Float.floatToFloat16(value)).isEqualTo((short) i);
      }
    }
  }
}
