package inkstone.kernel;

/**
 * A norm without a mean over the last dimension.
 *
 * @param weight address of {@code channels} floats, or 0 for a factor of 1
 * @param eps added to the mean square; used by {@link Form#ROOT_MEAN_SQUARE} only
 */
public record RmsArgs(long out, long x, int channels, long weight, float eps, Form form) {
  /** Which norm divides the row, and what follows. */
  public enum Form {
    /** {@code x / sqrt(mean(x²) + eps) * weight}. */
    ROOT_MEAN_SQUARE,
    /** {@code x / max(‖x‖, 1e-12) * sqrt(C) * weight}. */
    L2,
    /** SiLU of {@link #L2}. */
    L2_SILU
  }

  /** Smallest norm that divides in the L2 forms, as in torch's {@code normalize}. */
  public static final float L2_FLOOR = 1e-12f;
}
