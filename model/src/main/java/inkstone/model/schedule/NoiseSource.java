package inkstone.model.schedule;

/**
 * Standard normal noise that equals {@code torch.randn} on the CPU in float32 for the same seed, to
 * within the last bits of its vectorised logarithm and sine. Each call of {@link #normal} is one
 * call of {@code torch.randn}: how many values are asked at once decides how they are drawn, so two
 * halves are not the whole.
 *
 * <p>Not thread-safe. It does not reproduce noise drawn in bfloat16, which is another stream.
 */
public final class NoiseSource {
  /** From this many values on torch fills whole blocks ({@code DistributionTemplates.h}). */
  private static final int BLOCK = 16;

  private static final double TWO_PI = 2 * Math.PI;

  private final MersenneTwister bits;
  private boolean hasCached;
  private double cached;

  private NoiseSource(MersenneTwister bits) {
    this.bits = bits;
  }

  /**
   * A generator in the state of {@code torch.Generator().manual_seed(seed)}. Only the low 32 bits
   * of a seed count, as in torch: 7 and 7 + 2^32 give the same noise.
   */
  public static NoiseSource torch(long seed) {
    return new NoiseSource(new MersenneTwister(seed));
  }

  /** Fills {@code out} as one {@code torch.randn(out.length)}; later calls go on from there. */
  public void normal(float[] out) {
    if (out.length < BLOCK) {
      for (int i = 0; i < out.length; i++) {
        out[i] = (float) scalar();
      }
      return;
    }
    for (int i = 0; i < out.length; i++) {
      out[i] = uniform();
    }
    for (int i = 0; i + BLOCK <= out.length; i += BLOCK) {
      transform(out, i);
    }
    if (out.length % BLOCK != 0) {
      int tail = out.length - BLOCK;
      for (int i = 0; i < BLOCK; i++) {
        out[tail + i] = uniform();
      }
      transform(out, tail);
    }
  }

  /** Fills {@code out} with values of {@code torch.rand}: 24 uniform bits, 0 included, 1 not. */
  public void uniform(float[] out) {
    for (int i = 0; i < out.length; i++) {
      out[i] = uniform();
    }
  }

  private float uniform() {
    return (bits.nextInt() & 0xffffff) * 0x1p-24f;
  }

  /** One value of the scalar path: pairs in double precision, the second kept across calls. */
  private double scalar() {
    if (hasCached) {
      hasCached = false;
      return cached;
    }
    double u1 = (bits.nextLong() & ((1L << 53) - 1)) * 0x1p-53;
    double u2 = (bits.nextLong() & ((1L << 53) - 1)) * 0x1p-53;
    double radius = Math.sqrt(-2 * Math.log1p(-u2));
    double theta = TWO_PI * u1;
    cached = radius * Math.sin(theta);
    hasCached = true;
    return radius * Math.cos(theta);
  }

  /** Sixteen uniform values to eight cosines followed by eight sines, in place. */
  private static void transform(float[] data, int from) {
    for (int j = from; j < from + BLOCK / 2; j++) {
      float u1 = 1 - data[j];
      float radius = (float) Math.sqrt((float) (-2 * Math.log(u1)));
      float theta = (float) TWO_PI * data[j + BLOCK / 2];
      data[j] = radius * (float) Math.cos(theta);
      data[j + BLOCK / 2] = radius * (float) Math.sin(theta);
    }
  }
}
