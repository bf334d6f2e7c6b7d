package inkstone.kernel;

/** A matrix times few rows in plain loops: each dot product is a sum in double, in rising k. */
final class ScalarGemv {
  private ScalarGemv() {}

  /** As {@link Kernels#gemv}. */
  static void gemv(GemmArgs g, long rowFrom, long rowTo, int nFrom, int nTo) {
    for (long m = rowFrom; m < rowTo; m++) {
      long x = g.x() + 4 * m * g.xStride();
      for (int n = nFrom; n < nTo; n++) {
        long weight = g.weight() + n * g.type().bytes(g.k());
        double sum = g.bias() == 0 ? 0 : Raw.get(g.bias(), n);
        for (int k = 0; k < g.k(); k++) {
          sum += (double) Raw.get(x, k) * g.weight(weight, k);
        }
        Raw.set(g.out(), m * g.outStride() + n, (float) sum);
      }
    }
  }
}
