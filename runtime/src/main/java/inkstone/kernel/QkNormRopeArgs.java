package inkstone.kernel;

/**
 * RMS norm of each head of {@code x [S, heads, headDim]}, then interleaved rotary embedding, in
 * place.
 *
 * @param weight address of {@code headDim} floats
 * @param cos address of {@code [S, headDim / 2]}
 * @param sin as cos
 * @param eps added to the mean square of a head
 */
public record QkNormRopeArgs(
    long x, long weight, long cos, long sin, int heads, int headDim, float eps) {}
