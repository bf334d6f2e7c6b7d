package inkstone.ops;

import inkstone.kernel.ScalarKernels;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** A layer with stored weights is, to the bit, the layer with those weights widened. */
class LinearTypesTwinTest {
  private static final int[] ROWS = {1, 5, 6, 13, 29};
  private static final int[] COLUMNS = {1, 33, 70, 257};

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16", "F8_E4M3", "F8_E5M2", "Q8_0", "Q4_0", "Q5_0", "Q4_K", "Q5_K", "Q6_K"})
  void sameBitsAsWidenedWeights(DType dtype) {
    int[] depths =
        switch (dtype.blockElements()) {
          case 1 -> new int[] {1, 17, 531};
          case 32 -> new int[] {32, 96, 544};
          default -> new int[] {256, 768};
        };
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels());
        Compute one = Compute.open(1);
        Compute five = Compute.open(5)) {
      int drawn = 0;
      for (int k : depths) {
        for (int n : COLUMNS) {
          int m = ROWS[drawn++ % ROWS.length];
          Tensor x = twins.random(m, k);
          Tensor bias = twins.random(n);
          Tensor stored = stored(twins, dtype, n, k, drawn);
          Tensor wide = Tensor.of(twins.arena(), "wide", stored.toFloatArray(), n, k);
          float[] expected =
              twins.run(one, (c, out) -> Linear.forward(c, out, x, wide, bias), m, n);
          for (Compute compute : new Compute[] {scalar, one, twins.vector(), five}) {
            TensorAssert.assertBits(
                dtype + " [" + m + ", " + n + ", " + k + "], " + compute.describe(),
                expected,
                twins.run(compute, (c, out) -> Linear.forward(c, out, x, stored, bias), m, n));
          }
        }
      }
    }
  }

  /** Random bytes; the F16 scales of a block are made small numbers of either sign. */
  private static Tensor stored(Twins twins, DType dtype, int n, int k, int seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor t = Tensor.allocate(twins.arena(), "stored", dtype, Shape.of(n, k));
    byte[] block = new byte[dtype.blockBytes()];
    int[] halves =
        switch (dtype) {
          case Q8_0, Q4_0, Q5_0 -> new int[] {0};
          case Q4_K, Q5_K -> new int[] {0, 2};
          case Q6_K -> new int[] {208};
          default -> new int[] {};
        };
    for (long at = 0; at < t.segment().byteSize(); at += block.length) {
      random.nextBytes(block);
      // The top bit of the exponent: with it a float could be infinite or NaN.
      if (halves.length == 0) {
        block[block.length - 1] &= (byte) 0xbf;
      }
      for (int half : halves) {
        short scale = Float.floatToFloat16((float) random.nextGaussian(0, 0.02));
        block[half] = (byte) scale;
        block[half + 1] = (byte) (scale >> 8);
      }
      MemorySegment.copy(block, 0, t.segment(), ValueLayout.JAVA_BYTE, at, block.length);
    }
    return t;
  }
}
