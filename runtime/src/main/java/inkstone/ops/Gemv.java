package inkstone.ops;

import inkstone.kernel.GemmArgs;
import inkstone.kernel.Kernels;
import inkstone.tensor.Tensor;

/**
 * A fully connected layer that only ever sees one or few rows: the conditioning of a transformer.
 * Its cost is reading the weights, once for all rows, in their stored type.
 *
 * <p>It adds along k in another order than {@link Linear}, so a layer uses the one or the other
 * always, whatever the number of its rows.
 */
public final class Gemv {
  private static final String OP = "Gemv";

  /** Weight rows that a kernel reads side by side. */
  private static final int GRANULE = 16;

  private Gemv() {}

  /**
   * {@code out[.., N] = x[.., K] · weight[N, K]ᵀ + bias[N]}. Leading dimensions flatten to rows;
   * the bits of an element depend on its row of x, its row of the weight, its bias and the vector
   * width only.
   *
   * @param weight of any {@link inkstone.kernel.ElementType}; dimensions after the first flatten to
   *     K
   * @param bias of any {@link inkstone.kernel.ElementType}, or null
   * @throws IllegalArgumentException when a shape or dtype doesn't fit, or {@code out} overlaps
   *     {@code x}
   */
  public static void forward(Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias) {
    GemmArgs args = LinearArgs.check(OP, c, out, x, weight, bias);
    long rows = x.elements() / args.k();
    Kernels kernels = c.kernels();
    c.reserveWorkers(kernels.gemvScratchBytes(args));
    c.forRange(
        args.n(),
        GRANULE,
        (worker, from, to) ->
            kernels.gemv(args, 0, rows, (int) from, (int) to, c.workerScratch(worker)));
  }
}
