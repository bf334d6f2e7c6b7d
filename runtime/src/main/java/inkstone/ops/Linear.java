package inkstone.ops;

import inkstone.kernel.Epilogue;
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
   * @param weight of any {@link ElementType}; dimensions after the first flatten to K, as of a 1×1
   *     convolution
   * @param bias of any {@link ElementType}, or null
   * @throws IllegalArgumentException when a shape or dtype doesn't fit, or {@code out} overlaps
   *     {@code x}
   */
  public static void forward(Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias) {
    run(c, LinearArgs.check(OP, c, out, x, weight, bias), x);
  }

  /** {@link #forward}, then GELU in its tanh form, with the bits of the two operations. */
  public static void geluTanh(Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias) {
    run(c, LinearArgs.check(OP, c, out, x, weight, bias).with(Epilogue.GELU_TANH, 0), x);
  }

  /** {@link #forward}, then SiLU, with the bits of the two operations. */
  public static void silu(Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias) {
    run(c, LinearArgs.check(OP, c, out, x, weight, bias).with(Epilogue.SILU, 0), x);
  }

  /**
   * {@code out += gate * (x · weightᵀ + bias)} in every row, with the bits of {@link #forward} and
   * {@link Elementwise#addGated}.
   *
   * @param gate F32 {@code [N]}
   */
  public static void addGated(
      Compute c, Tensor out, Tensor gate, Tensor x, Tensor weight, Tensor bias) {
    GemmArgs args = LinearArgs.check(OP, c, out, x, weight, bias);
    Check.f32(OP, "gate", gate);
    Check.vector(OP, "gate", gate, args.n());
    Check.disjoint(OP, out, gate);
    run(c, args.with(Epilogue.ADD_GATED, gate.address()), x);
  }

  /** Splits columns when the threads share them evenly enough, rows otherwise. */
  private static void run(Compute c, GemmArgs args, Tensor x) {
    long rows = x.elements() / args.k();
    if (rows == 0) {
      return;
    }
    Kernels kernels = c.kernels();
    int height = kernels.tileRows();
    c.reserveWorkers(workerBytes(c, rows, args.n()));
    if (splitsColumns(c, rows, args.n())) {
      c.forRange(
          args.n(),
          kernels.panelColumns(),
          (worker, from, to) ->
              kernels.gemm(args, 0, rows, (int) from, (int) to, c.workerScratch(worker)));
    } else {
      c.forRange(
          rows,
          height,
          (worker, from, to) -> kernels.gemm(args, from, to, 0, args.n(), c.workerScratch(worker)));
    }
  }

  private static boolean splitsColumns(Compute c, long rows, int n) {
    return share(n, c.kernels().panelColumns(), c.threads())
        <= share(rows, c.kernels().tileRows(), c.threads());
  }

  /** Scratch of each worker for so many rows and columns. */
  private static long workerBytes(Compute c, long rows, int n) {
    Kernels kernels = c.kernels();
    return splitsColumns(c, rows, n)
        ? kernels.gemmScratchBytes(
            rows, Math.toIntExact(part(n, kernels.panelColumns(), c.threads())))
        : kernels.gemmScratchBytes(part(rows, kernels.tileRows(), c.threads()), n);
  }

  /**
   * Bytes of scratch that {@link #forward} needs on all threads, a widened bias included.
   *
   * @param rows of the activations, 1 or more
   * @param n columns of the result
   */
  public static long scratchBytes(Compute c, long rows, int n) {
    return c.workersBytes(workerBytes(c, rows, n)) + (long) n * Float.BYTES;
  }

  /** Most that one of {@code threads} gets of {@code n}, cut at multiples of {@code granule}. */
  private static long part(long n, long granule, int threads) {
    long granules = (n + granule - 1) / granule;
    return Math.min(n, (granules + threads - 1) / threads * granule);
  }

  /** Share of the work that the busiest of {@code threads} has. */
  private static double share(long n, long granule, int threads) {
    return (double) part(n, granule, threads) / n;
  }
}
