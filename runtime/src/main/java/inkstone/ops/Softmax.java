package inkstone.ops;

import inkstone.tensor.Tensor;

/** Softmax over the last dimension. */
public final class Softmax {
  private static final String OP = "Softmax";

  private Softmax() {}

  /** Each row of the last dimension sums to one; {@code out} may be x. */
  public static void forward(Compute c, Tensor out, Tensor x) {
    Check.f32(OP, "x", x);
    Check.atLeastRank(OP, "x", x, 1);
    Check.sameShape(OP, "out", out, "x", x);
    Check.sameOrDisjoint(OP, out, x);
    int n = Check.size(OP, "last dimension of x", x.dim(-1), x);
    long to = out.address();
    long from = x.address();
    c.forRange(
        x.elements() / n,
        Elementwise.rowGranule(n),
        (worker, first, last) ->
            c.kernels().softmax(to + first * n * 4, from + first * n * 4, last - first, n));
  }
}
