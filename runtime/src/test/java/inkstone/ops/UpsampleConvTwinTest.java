package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class UpsampleConvTwinTest {
  @ParameterizedTest
  @CsvSource({"1,1,1,1", "5,7,3,16", "9,4,16,3", "2,2,64,33", "8,9,96,40", "1,50,5,70"})
  void equalsTheScalarKernel(int height, int width, int cin, int cout) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(height, width, cin);
      UpsampleConv.Weights w =
          UpsampleConv.prepare(
              twins.arena(), twins.random(DType.BF16, cout, cin, 3, 3), twins.random(cout));
      twins.assertBits(
          "upsampled",
          (c, out) -> UpsampleConv.forward(c, out, x, w),
          2L * height,
          2L * width,
          cout);
    }
  }

  /** The picture doubled and convolved as written, in double. */
  @ParameterizedTest
  @CsvSource({"1,1,2,3", "5,7,3,16", "4,3,130,5"})
  void equalsAConvolutionOfTheDoubledPicture(int height, int width, int cin, int cout) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(height, width, cin);
      Tensor weight = twins.random(cout, cin, 3, 3);
      Tensor bias = twins.random(cout);
      float[] expected = new float[4 * height * width * cout];
      for (int i = 0; i < expected.length; i++) {
        int o = i % cout;
        int row = i / cout / (2 * width);
        int column = i / cout % (2 * width);
        double sum = bias.getFloat(o);
        for (int tap = 0; tap < 9; tap++) {
          int y = row + tap / 3 - 1;
          int z = column + tap % 3 - 1;
          for (int ci = 0; y >= 0 && y < 2 * height && z >= 0 && z < 2 * width && ci < cin; ci++) {
            double pixel = x.getFloat(((long) y / 2 * width + z / 2) * cin + ci);
            sum += pixel * weight.getFloat(((long) o * cin + ci) * 9 + tap);
          }
        }
        expected[i] = (float) sum;
      }
      UpsampleConv.Weights w = UpsampleConv.prepare(twins.arena(), weight, bias);
      float[] actual =
          twins.run(
              twins.vector(),
              (c, out) -> UpsampleConv.forward(c, out, x, w),
              2L * height,
              2L * width,
              cout);
      TensorAssert.assertRel("doubled", expected, actual, 2e-6);
    }
  }

  @Test
  void threadsDontChangeBits() {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(19, 23, 12);
      UpsampleConv.Weights w =
          UpsampleConv.prepare(twins.arena(), twins.random(37, 12, 3, 3), twins.random(37));
      Twins.Op op = (c, out) -> UpsampleConv.forward(c, out, x, w);
      float[] one = twins.run(twins.vector(), op, 38, 46, 37);
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          TensorAssert.assertBits(threads + " threads", one, twins.run(c, op, 38, 46, 37));
        }
      }
    }
  }

  /** A row of weights whose sums show which taps each parity adds. */
  @Test
  void sumsTheTapsThatMeetOnePixel() {
    try (Twins twins = new Twins()) {
      Tensor weight = Tensor.f32(twins.arena(), "weight", 1, 1, 3, 3);
      weight.copyFrom(new float[] {1, 2, 4, 8, 16, 32, 64, 128, 256});
      UpsampleConv.Weights w = UpsampleConv.prepare(twins.arena(), weight, null);
      float[][] expected = {
        {1, 2 + 4, 8 + 64, 16 + 32 + 128 + 256},
        {1 + 2, 4, 8 + 16 + 64 + 128, 32 + 256},
        {1 + 8, 2 + 4 + 16 + 32, 64, 128 + 256},
        {1 + 2 + 8 + 16, 4 + 32, 64 + 128, 256}
      };
      for (int parity = 0; parity < 4; parity++) {
        assertThat(w.parities().get(parity).weight().toFloatArray())
            .containsExactly(expected[parity]);
      }
    }
  }
}
