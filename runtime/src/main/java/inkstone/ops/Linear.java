package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.kernel.GemmArgs;
import inkstone.kernel.Kernels;
import inkstone.tensor.Tensor;

/** A fully connected layer. */
public final class Linear {
  private static final String OP = "Linear";

  private Linear() {}

  /**
   * {@code out[.., N] = x[.., K] · weight[N, K]ᵀ + bias[N]}. Leading dimensions flatten to rows; a
   * row's bits don't depend on the other rows or on the thread count.
   *
   * @param weight F32, BF16 or F16; dimensions after the first flatten to K, as of a 1×1
   *     convolution
   * @param bias F32, BF16 or F16, or null
   * @throws IllegalArgumentException when a shape or dtype doesn't fit, or {@code out} overlaps
   *     {@code x}
   */
  public static void forward(Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias) {
    Check.f32(OP, "x", x);
    Check.f32(OP, "out", out);
    Check.atLeastRank(OP, "x", x, 1);
    Check.atLeastRank(OP, "out", out, 1);
    final ElementType type = Check.type(OP, "weight", weight);
    Check.atLeastRank(OP, "weight", weight, 2);
    int n = Check.size(OP, "rows of weight", weight.dim(0), weight);
    int k = Check.size(OP, "columns of weight", weight.elements() / n, weight);
    if (x.dim(-1) != k) {
      throw Check.bad(
          OP,
          "last dimension of x",
          k + " as weight " + weight.name() + " " + weight.shape(),
          x.shape(),
          x.name(),
          "pass the activations this layer was made for");
    }
    long rows = x.elements() / k;
    if (out.dim(-1) != n || out.elements() != rows * n) {
      throw Check.bad(
          OP,
          "shape of out",
          "[" + rows + ", " + n + "]",
          out.shape(),
          out.name(),
          "size it for x " + x.shape() + " and weight " + weight.shape());
    }
    if (bias != null) {
      Check.vector(OP, "bias", bias, n);
    }
    if (rows == 0) {
      return;
    }
    Check.disjoint(OP, out, x);
    run(
        c,
        new GemmArgs(
            out.address(),
            n,
            x.address(),
            k,
            weight.address(),
            type,
            c.floats(Compute.Slot.FIRST_PARAMETER, OP, "bias", bias),
            n,
            k),
        rows);
  }

  /** Splits columns when the threads share them evenly enough, rows otherwise. */
  private static void run(Compute c, GemmArgs args, long rows) {
    Kernels kernels = c.kernels();
    c.reserveWorkers(kernels.gemmScratchBytes());
    int granule = kernels.panelColumns();
    if (share(args.n(), granule, c.threads()) <= share(rows, ROW_GRANULE, c.threads())) {
      c.forRange(
          args.n(),
          granule,
          (worker, from, to) ->
              kernels.gemm(args, 0, rows, (int) from, (int) to, c.workerScratch(worker)));
    } else {
      c.forRange(
          rows,
          ROW_GRANULE,
          (worker, from, to) -> kernels.gemm(args, from, to, 0, args.n(), c.workerScratch(worker)));
    }
  }

  /** Rows of one register tile. */
  private static final int ROW_GRANULE = 6;

  /** Share of the work that the busiest of {@code threads} has. */
  private static double share(long n, long granule, int threads) {
    long granules = (n + granule - 1) / granule;
    return (double) ((granules + threads - 1) / threads) / granules;
  }
}
