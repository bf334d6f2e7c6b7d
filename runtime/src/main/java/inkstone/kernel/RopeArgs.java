package inkstone.kernel;

/**
 * Rotary embedding of {@code x [S, heads, headDim]} in place by {@code cos, sin [S, headDim / 2]}.
 */
public record RopeArgs(long x, long cos, long sin, int heads, int headDim, Form form) {
  /** Which two elements make a pair. */
  public enum Form {
    /** Elements {@code 2i} and {@code 2i + 1}. */
    INTERLEAVED,
    /** Elements {@code i} and {@code i + headDim / 2}. */
    HALF_SPLIT
  }
}
