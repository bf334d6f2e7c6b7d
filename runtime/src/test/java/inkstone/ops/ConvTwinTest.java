package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ConvTwinTest {
  @ParameterizedTest
  @CsvSource({
    "5,7,3,16,3",
    "1,1,1,1,1",
    "9,4,16,3,3",
    "6,6,20,33,1",
    "8,9,96,40,3",
    "17,3,5,70,5",
    "2,2,64,8,3",
    "30,31,2,5,3"
  })
  void same(int height, int width, int cin, int cout, int kernel) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(height, width, cin);
      ConvWeights w =
          Conv.prepare(
              twins.arena(),
              twins.random(DType.BF16, cout, cin, 3, kernel, kernel),
              twins.random(cout));
      twins.assertBits(
          "same",
          (c, out) -> Conv.forward(c, out, x, w, Conv.Geometry.same(kernel)),
          height,
          width,
          cout);
    }
  }

  @ParameterizedTest
  @CsvSource({"6,8", "7,5", "2,2", "9,9"})
  void downsamplePadsRightAndBottom(int height, int width) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(height, width, 12);
      ConvWeights w = Conv.prepare(twins.arena(), twins.random(10, 12, 3, 3), null);
      Conv.Geometry g = new Conv.Geometry(2, 0, 0, 1, 1);
      twins.assertBits(
          "stride 2",
          (c, out) -> Conv.forward(c, out, x, w, g),
          (height + 1 - 3) / 2 + 1,
          (width + 1 - 3) / 2 + 1,
          10);
    }
  }

  @ParameterizedTest
  @CsvSource({"9,4,16,3,3", "8,9,96,40,3", "17,3,5,70,1"})
  void theResidualIsAddedLast(int height, int width, int cin, int cout, int kernel) {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(height, width, cin);
      Tensor residual = twins.random(height, width, cout);
      ConvWeights w =
          Conv.prepare(twins.arena(), twins.random(cout, cin, kernel, kernel), twins.random(cout));
      Conv.Geometry g = Conv.Geometry.same(kernel);
      Twins.Op fused = (c, out) -> Conv.forward(c, out, x, w, g, residual);
      twins.assertBits("residual", fused, height, width, cout);
      Twins.Op separate =
          (c, out) -> {
            Conv.forward(c, out, x, w, g);
            Elementwise.add(c, out, out, residual);
          };
      TensorAssert.assertBits(
          "as an addition of its own",
          twins.run(twins.vector(), separate, height, width, cout),
          twins.run(twins.vector(), fused, height, width, cout));
    }
  }

  @Test
  void threadsDontChangeBits() {
    try (Twins twins = new Twins()) {
      Tensor x = twins.random(40, 23, 19);
      Tensor residual = twins.random(40, 23, 37);
      ConvWeights w = Conv.prepare(twins.arena(), twins.random(37, 19, 3, 3), twins.random(37));
      Twins.Op op = (c, out) -> Conv.forward(c, out, x, w, Conv.Geometry.same(3), residual);
      float[] one = twins.run(twins.vector(), op, 40, 23, 37);
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          TensorAssert.assertBits(threads + " threads", one, twins.run(c, op, 40, 23, 37));
        }
      }
    }
  }

  @Test
  void lastTemporalTapIsTaken() {
    try (Twins twins = new Twins()) {
      Tensor weight = Tensor.f32(twins.arena(), "weight", 1, 1, 3, 1, 1);
      weight.copyFrom(new float[] {1, 2, 3});
      ConvWeights w = Conv.prepare(twins.arena(), weight, null);
      assertThat(w.weight().toFloatArray()).containsExactly(3f);
    }
  }
}
