package inkstone.ops;

import inkstone.kernel.RopeArgs;
import inkstone.tensor.Tensor;

/** Rotary position embedding of {@code x [S, H, D]} in place by {@code cos, sin [S, D / 2]}. */
public final class Rope {
  private static final String OP = "Rope";

  private Rope() {}

  /** Pairs are elements {@code 2i, 2i + 1}, as complex numbers. */
  public static void interleaved(Compute c, Tensor x, Tensor cos, Tensor sin) {
    run(c, x, cos, sin, RopeArgs.Form.INTERLEAVED);
  }

  /** Pairs are elements {@code i, i + D / 2}: {@code x cos + rotate_half(x) sin}. */
  public static void halfSplit(Compute c, Tensor x, Tensor cos, Tensor sin) {
    run(c, x, cos, sin, RopeArgs.Form.HALF_SPLIT);
  }

  private static void run(Compute c, Tensor x, Tensor cos, Tensor sin, RopeArgs.Form form) {
    int headDim = checkedHeadDim(OP, x, cos, sin);
    int heads = Check.size(OP, "heads of x", x.dim(1), x);
    RopeArgs args = new RopeArgs(x.address(), cos.address(), sin.address(), heads, headDim, form);
    c.reserveWorkers(c.kernels().ropeScratchBytes(headDim));
    c.forRange(
        x.dim(0),
        Elementwise.rowGranule((long) heads * headDim),
        (worker, from, to) -> c.kernels().rope(args, from, to, c.workerScratch(worker)));
  }

  /** Head size of {@code x}, once it and the angles are known to fit. */
  static int checkedHeadDim(String op, Tensor x, Tensor cos, Tensor sin) {
    Check.f32(op, "x", x);
    Check.rank(op, "x", x, 3);
    int headDim = Check.size(op, "head size of x", x.dim(2), x);
    if (headDim % 2 != 0) {
      throw Check.bad(
          op, "head size of x", "an even number", headDim, x.name(), "check the config");
    }
    Check.shape(op, "cos", cos, x.dim(0), headDim / 2);
    Check.shape(op, "sin", sin, x.dim(0), headDim / 2);
    return headDim;
  }
}
