package inkstone.model.bench;

import inkstone.number.BFloat16;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.SplittableRandom;

/**
 * Random numbers at the speed of a copy: a pattern whose length is prime, repeated, so that no two
 * rows of a weight are alike.
 */
final class RandomValues {
  private static final int PERIOD = 1_000_003;
  private static final int BLOCK_PERIOD = 10_007;

  private RandomValues() {}

  /**
   * Bytes of one period, or of {@code elements} when those are fewer.
   *
   * @param mean middle of the values; 0 for types of fewer than 16 bits
   * @param spread the largest distance from it; of types of fewer than 16 bits about so much
   */
  static byte[] pattern(DType dtype, long elements, double mean, double spread, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    boolean blocks = dtype.blockElements() > 1;
    int n = (int) Math.min(blocks ? BLOCK_PERIOD : PERIOD, elements / dtype.blockElements());
    ByteBuffer bytes = ByteBuffer.allocate(n * dtype.blockBytes()).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < n; i++) {
      float value = (float) (mean + spread * random.nextDouble(-1, 1));
      switch (dtype) {
        case F32 -> bytes.putFloat(value);
        case BF16 -> bytes.putShort(BFloat16.fromFloat(value));
        case F16 -> bytes.putShort(Float.floatToFloat16(value));
        // Random bits below a quarter: sums stay small, and neither infinity nor NaN comes up.
        case F8_E4M3 -> bytes.put((byte) (random.nextInt(0x28) | random.nextInt(2) << 7));
        case F8_E5M2 -> bytes.put((byte) (random.nextInt(0x34) | random.nextInt(2) << 7));
        case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, IQ4_NL, IQ4_XS ->
            block(bytes, dtype, spread, random);
        case F64, I64, I32, I16, I8, U8, BOOL ->
            throw new IllegalArgumentException(
                "RandomValues: dtype, expected a type of weights, got " + dtype + "; use another");
      }
    }
    return bytes.array();
  }

  /**
   * Random bits under scales that give about the spread. The divisors are how far the integers of a
   * block reach, with the middle of the sub-block scales; minima lie in the middle of that.
   */
  private static void block(ByteBuffer bytes, DType dtype, double spread, SplittableRandom random) {
    int start = bytes.position();
    byte[] bits = new byte[dtype.blockBytes()];
    random.nextBytes(bits);
    bytes.put(bits);
    switch (dtype) {
      case Q8_0 -> scale(bytes, start, spread / 128);
      case Q4_0 -> scale(bytes, start, spread / 8);
      case Q4_1 -> {
        scale(bytes, start, spread / 8);
        scale(bytes, start + 2, -spread);
      }
      case Q5_0 -> scale(bytes, start, spread / 16);
      case Q5_1 -> {
        scale(bytes, start, spread / 16);
        scale(bytes, start + 2, -spread);
      }
      case Q2_K -> {
        scale(bytes, start + 80, spread / 2 / 8);
        scale(bytes, start + 82, spread / 8);
      }
      case Q3_K -> scale(bytes, start + 108, spread / 4 / 16);
      case Q4_K -> {
        scale(bytes, start, spread / 8 / 32);
        scale(bytes, start + 2, spread / 32);
      }
      case Q5_K -> {
        scale(bytes, start, spread / 16 / 32);
        scale(bytes, start + 2, spread / 32);
      }
      case Q6_K -> scale(bytes, start + dtype.blockBytes() - 2, spread / 32 / 64);
      case IQ4_NL -> scale(bytes, start, spread / 128);
      case IQ4_XS -> scale(bytes, start, spread / 128 / 16);
      default -> throw new IllegalArgumentException("RandomValues: " + dtype + " has no blocks");
    }
  }

  private static void scale(ByteBuffer bytes, int at, double value) {
    bytes.putShort(at, Float.floatToFloat16((float) value));
  }

  /** Fills a tensor with values around 0. */
  static Tensor fill(Tensor tensor, double spread, long seed) {
    byte[] pattern = pattern(tensor.dtype(), tensor.elements(), 0, spread, seed);
    MemorySegment to = tensor.segment();
    for (long at = 0; at < to.byteSize(); at += pattern.length) {
      int count = (int) Math.min(pattern.length, to.byteSize() - at);
      MemorySegment.copy(pattern, 0, to, ValueLayout.JAVA_BYTE, at, count);
    }
    return tensor;
  }
}
