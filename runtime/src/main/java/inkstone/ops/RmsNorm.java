package inkstone.ops;

import inkstone.kernel.RmsArgs;
import inkstone.tensor.Tensor;

/** Norms without a mean over the last dimension. {@code out} may be x. */
public final class RmsNorm {
  private static final String OP = "RmsNorm";

  private RmsNorm() {}

  /** {@code x / sqrt(mean(x²) + eps) * weight}; weight {@code [C]} or null for 1. */
  public static void forward(Compute c, Tensor out, Tensor x, Tensor weight, float eps) {
    run(c, out, x, weight, eps, RmsArgs.Form.ROOT_MEAN_SQUARE);
  }

  /** The VAE's norm: {@code x / max(‖x‖, 1e-12) * sqrt(C) * gamma}, channels last. */
  public static void l2(Compute c, Tensor out, Tensor x, Tensor gamma) {
    Check.notNull(OP, "gamma", gamma);
    run(c, out, x, gamma, 0, RmsArgs.Form.L2);
  }

  /** SiLU of {@link #l2}. */
  public static void l2Silu(Compute c, Tensor out, Tensor x, Tensor gamma) {
    Check.notNull(OP, "gamma", gamma);
    run(c, out, x, gamma, 0, RmsArgs.Form.L2_SILU);
  }

  private static void run(
      Compute c, Tensor out, Tensor x, Tensor weight, float eps, RmsArgs.Form form) {
    Check.f32(OP, "x", x);
    Check.atLeastRank(OP, "x", x, 1);
    Check.sameShape(OP, "out", out, "x", x);
    Check.sameOrDisjoint(OP, out, x);
    int channels = Check.size(OP, "last dimension of x", x.dim(-1), x);
    if (weight != null) {
      Check.vector(
          OP, form == RmsArgs.Form.ROOT_MEAN_SQUARE ? "weight" : "gamma", weight, channels);
    }
    RmsArgs args =
        new RmsArgs(
            out.address(),
            x.address(),
            channels,
            c.floats(Compute.Slot.FIRST_PARAMETER, OP, "weight", weight),
            eps,
            form);
    c.forRange(
        x.elements() / channels,
        Elementwise.rowGranule(channels),
        (worker, from, to) -> c.kernels().rmsNorm(args, from, to));
  }
}
