package inkstone.kernel;

/**
 * {@code out[M, N] = epilogue(x[M, K] · weight[N, K]ᵀ + bias[N])}.
 *
 * @param out address of F32 rows, {@code outStride} floats apart
 * @param x address of F32 rows, {@code xStride} floats apart
 * @param weight address of contiguous rows of {@code k} elements of {@code type}; a whole number of
 *     its blocks
 * @param scale what each element of the weight is multiplied with, and the product rounded, before
 *     it meets x
 * @param bias address of N floats, or 0
 * @param gate address of N floats for {@link Epilogue#ADD_GATED}, else 0
 */
public record GemmArgs(
    long out,
    long outStride,
    long x,
    long xStride,
    long weight,
    ElementType type,
    float scale,
    long bias,
    int n,
    int k,
    Epilogue epilogue,
    long gate) {

  /** A product that is only stored. */
  public GemmArgs(
      long out,
      long outStride,
      long x,
      long xStride,
      long weight,
      ElementType type,
      float scale,
      long bias,
      int n,
      int k) {
    this(out, outStride, x, xStride, weight, type, scale, bias, n, k, Epilogue.NONE, 0);
  }

  /** The same product with another end. */
  public GemmArgs with(Epilogue other, long otherGate) {
    return new GemmArgs(
        out, outStride, x, xStride, weight, type, scale, bias, n, k, other, otherGate);
  }

  /** Element {@code i} of the weights that start at {@code row}, in plain code. */
  float weight(long row, int i) {
    return Raw.get(type, row, i, scale);
  }
}
