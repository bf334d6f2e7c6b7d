package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.kernel.ScalarKernels;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Int8RowsTwinTest {
  /** What {@link Int8Rows} promises, in steps of a row's scale. */
  private static final double BOUND = 0.5 + 0x1p-16;

  private record Stored(Tensor bytes, Tensor scales) {
    static Stored of(Twins twins, Compute c, Tensor x) {
      long[] dims = x.shape().toArray();
      Tensor bytes = Tensor.allocate(twins.arena(), "bytes", DType.I8, x.shape());
      Tensor scales = Tensor.f32(twins.arena(), "scales", Arrays.copyOf(dims, dims.length - 1));
      bytes.segment().fill((byte) 0x55);
      scales.segment().fill((byte) 0x55);
      Int8Rows.quantize(c, bytes, scales, x);
      return new Stored(bytes, scales);
    }

    Tensor back(Twins twins, Compute c) {
      Tensor out = Tensor.f32(twins.arena(), "back", bytes.shape().toArray());
      out.segment().fill((byte) 0x55);
      Int8Rows.dequantize(c, out, bytes, scales);
      return out;
    }

    void assertSame(String what, Stored other) {
      assertThat(bits(bytes)).as("bytes, %s", what).isEqualTo(bits(other.bytes));
      assertThat(bits(scales)).as("scales, %s", what).isEqualTo(bits(other.scales));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3, 7, 8, 15, 16, 17, 33, 64, 100, 128, 300})
  void equalBits(int channels) {
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels())) {
      Tensor x = special(twins, 170, 3, channels);
      Stored expected = Stored.of(twins, scalar, x);
      byte[] back = bits(expected.back(twins, scalar));
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          Stored actual = Stored.of(twins, c, x);
          actual.assertSame(threads + " threads", expected);
          assertThat(bits(actual.back(twins, c))).as("%s threads", threads).isEqualTo(back);
          for (int row : new int[] {0, 1, 2, 3, 4, 5, 6, 7, 77, 169}) {
            Stored alone = Stored.of(twins, c, x.rows(row, row + 1));
            alone.assertSame(
                "row " + row,
                new Stored(expected.bytes.rows(row, row + 1), expected.scales.rows(row, row + 1)));
          }
        }
      }
    }
  }

  /** Random rows of every size of number, among them rows with special ones. */
  private static Tensor special(Twins twins, int tokens, int heads, int channels) {
    Tensor x = twins.random(tokens, heads, channels);
    SplittableRandom random = new SplittableRandom(1);
    for (int row = 0; row < tokens * heads; row++) {
      float size = Math.scalb(1f, random.nextInt(-149, 125));
      for (long i = (long) row * channels; i < (row + 1L) * channels; i++) {
        x.setFloat(i, x.getFloat(i) * size);
      }
    }
    float[] each = {
      Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, Float.MIN_VALUE
    };
    for (int token = 0; token < each.length; token++) {
      for (int head = 0; head < heads; head++) {
        long at = ((long) token * heads + head) * channels + random.nextInt(channels);
        x.setFloat(at, each[token]);
      }
    }
    for (int i = 0; i < heads * channels; i++) {
      x.setFloat(5L * heads * channels + i, i % 2 == 0 ? 0f : -0f);
      x.setFloat(6L * heads * channels + i, Float.intBitsToFloat(0xff800001 + i));
    }
    return x;
  }

  /** The stated bound holds for rows of every size, and is nearly reached. */
  @Test
  void errorIsAtMostHalfAStep() {
    int channels = 128;
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(290, 10, channels);
      double worst = 0;
      for (int row = 0; row < 2900; row++) { // 290 sizes, from beyond the smallest to the largest
        for (long i = (long) row * channels; i < (row + 1L) * channels; i++) {
          float value = Math.clamp(x.getFloat(i), -4f, 4f) / 4;
          x.setFloat(i, (float) Math.scalb((double) value, row / 10 - 161));
        }
      }
      Stored stored = Stored.of(twins, twins.vector(), x);
      float[] back = stored.back(twins, twins.vector()).toFloatArray();
      for (int i = 0; i < back.length; i++) {
        float scale = stored.scales.getFloat(i / channels);
        double error = Math.abs((double) back[i] - x.getFloat(i));
        assertThat(error).as("element %s, scale %s", i, scale).isLessThanOrEqualTo(scale * BOUND);
        assertThat(Math.abs(stored.bytes.getLong(i))).isLessThanOrEqualTo(127);
        worst = Math.max(worst, scale == 0 ? 0 : error / scale);
      }
      assertThat(worst).isGreaterThan(0.4999);
    }
  }

  @Test
  void scaleIsTheLargestMagnitudeOver127() {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(100, 16);
      Stored stored = Stored.of(twins, twins.vector(), x);
      for (int row = 0; row < 100; row++) {
        float max = 0;
        for (int i = 0; i < 16; i++) {
          max = Math.max(max, Math.abs(x.getFloat(16 * row + i)));
        }
        assertThat(stored.scales.getFloat(row)).isEqualTo(max / 127);
        int most = 0;
        for (int i = 0; i < 16; i++) {
          double steps = x.getFloat(16 * row + i) / (double) (max / 127);
          long q = stored.bytes.getLong(16 * row + i);
          assertThat(Math.abs(q - steps)).isLessThanOrEqualTo(0.5 + 0x1p-18);
          most = Math.max(most, (int) Math.abs(q));
        }
        assertThat(most).isEqualTo(127);
      }
    }
  }

  @Test
  void tiesGoToTheEvenByte() {
    float[] row = {127, 0.5f, 1.5f, 2.5f, -0.5f, -1.5f, -2.5f, 126.5f, -126.5f, -127, 0.49999997f};
    float[] rows = Arrays.copyOf(row, 31); // also where the tail of any width is
    System.arraycopy(row, 0, rows, 20, row.length);
    byte[] expected = {127, 0, 2, 2, 0, -2, -2, 126, -126, -127, 0};
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels())) {
      Tensor x = Tensor.of(twins.arena(), "ties", rows, 1, rows.length);
      for (Compute c : new Compute[] {scalar, twins.vector()}) {
        Stored stored = Stored.of(twins, c, x);
        assertThat(stored.scales.getFloat(0)).isEqualTo(1);
        byte[] bytes = bits(stored.bytes);
        assertThat(Arrays.copyOf(bytes, expected.length)).isEqualTo(expected);
        assertThat(Arrays.copyOfRange(bytes, 20, 20 + expected.length)).isEqualTo(expected);
      }
    }
  }

  @Test
  void zerosNanAndLimits() {
    float tiny = Float.MIN_VALUE;
    try (Twins twins = new Twins()) {
      Tensor x = Tensor.f32(twins.arena(), "rows", 7, 21);
      x.setFloat(2, -0f);
      x.setFloat(21 + 20, Float.NaN);
      x.setFloat(42, Float.NEGATIVE_INFINITY);
      x.setFloat(42 + 1, 1);
      x.setFloat(63, Float.MAX_VALUE);
      x.setFloat(63 + 20, -Float.MAX_VALUE);
      x.setFloat(84 + 3, 190 * tiny); // a scale of 1.496 times the smallest would round to 1
      x.setFloat(105 + 20, 60 * tiny); // and this one to 0
      x.setFloat(126, Float.MIN_NORMAL * 127);
      for (Compute c : new Compute[] {Compute.open(1, new ScalarKernels()), Compute.open(1)}) {
        try (c) {
          Stored stored = Stored.of(twins, c, x);
          Tensor back = stored.back(twins, c);
          assertThat(stored.scales.rows(0, 3).toFloatArray())
              .containsExactly(0, Float.NaN, Float.NaN);
          assertThat(stored.bytes.rows(0, 3).toFloatArray()).containsOnly(0);
          for (int i = 0; i < 63; i++) {
            assertThat(Float.floatToRawIntBits(back.getFloat(i)) << 1 == 0).isEqualTo(i < 21);
            assertThat(Float.isNaN(back.getFloat(i))).isEqualTo(i >= 21);
          }
          assertThat(stored.bytes.getLong(63)).isEqualTo(127);
          assertThat(back.getFloat(63)).isBetween(Float.MAX_VALUE * 0.999999f, Float.MAX_VALUE);
          assertThat(back.getFloat(83)).isEqualTo(-back.getFloat(63));
          assertThat(stored.scales.rows(4, 7).toFloatArray()).containsOnly(Float.MIN_NORMAL);
          assertThat(stored.bytes.rows(4, 6).toFloatArray()).containsOnly(0);
          assertThat(back.getFloat(126)).isEqualTo(Float.MIN_NORMAL * 127);
        }
      }
    }
  }

  private static byte[] bits(Tensor t) {
    return t.segment().toArray(ValueLayout.JAVA_BYTE);
  }
}
