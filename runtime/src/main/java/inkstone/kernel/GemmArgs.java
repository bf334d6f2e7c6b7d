package inkstone.kernel;

/**
 * {@code out[M, N] = x[M, K] · weight[N, K]ᵀ + bias[N]}.
 *
 * @param out address of F32 rows, {@code outStride} floats apart
 * @param x address of F32 rows, {@code xStride} floats apart
 * @param weight address of contiguous rows of {@code k} elements of {@code type}
 * @param bias address of N floats, or 0
 */
public record GemmArgs(
    long out,
    long outStride,
    long x,
    long xStride,
    long weight,
    ElementType type,
    long bias,
    int n,
    int k) {}
