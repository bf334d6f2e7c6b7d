package inkstone.ops;

import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Weights of random bytes that are finite numbers in each storage type. */
final class StoredWeights {
  private StoredWeights() {}

  /** Floats are below 2, subnormal ones among them; blocks have small scales of either sign. */
  static Tensor random(TensorArena arena, DType dtype, int seed, long... dims) {
    SplittableRandom random = new SplittableRandom(seed);
    Tensor t = Tensor.allocate(arena, "stored", dtype, Shape.of(dims));
    byte[] block = new byte[dtype.blockBytes()];
    for (long at = 0; at < t.segment().byteSize(); at += block.length) {
      random.nextBytes(block);
      // The top bit of the exponent: with it a float could be infinite or NaN.
      if (dtype.blockElements() == 1) {
        block[block.length - 1] &= (byte) 0xbf;
      }
      for (int half : halves(dtype)) {
        short scale = Float.floatToFloat16((float) random.nextGaussian(0, 0.02));
        block[half] = (byte) scale;
        block[half + 1] = (byte) (scale >> 8);
      }
      MemorySegment.copy(block, 0, t.segment(), ValueLayout.JAVA_BYTE, at, block.length);
    }
    return t;
  }

  /** Where the F16 scales and minima of a block are. */
  private static int[] halves(DType dtype) {
    return switch (dtype) {
      case Q8_0, Q4_0, Q5_0, IQ4_NL, IQ4_XS -> new int[] {0};
      case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
      case Q2_K -> new int[] {80, 82};
      case Q3_K -> new int[] {108};
      case Q6_K -> new int[] {208};
      default -> new int[] {};
    };
  }
}
