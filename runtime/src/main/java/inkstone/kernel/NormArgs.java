package inkstone.kernel;

/**
 * LayerNorm over the last dimension: {@code out = (x - mean) / sqrt(var + eps) * (weightOffset +
 * weight) + bias}; a modulated norm is the same with an offset of 1.
 *
 * @param weight address of {@code channels} floats, or 0 for a factor of 1
 * @param bias address of {@code channels} floats, or 0
 */
public record NormArgs(
    long out, long x, int channels, long weight, long bias, float weightOffset, float eps) {}
