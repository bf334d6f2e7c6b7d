package inkstone.ops;

import inkstone.kernel.NormArgs;
import inkstone.tensor.Tensor;

/** LayerNorm over the last dimension, with an affine or a modulation. {@code out} may be x. */
public final class LayerNorm {
  private static final String OP = "LayerNorm";

  private LayerNorm() {}

  /**
   * {@code (x - mean) / sqrt(var + eps) * weight + bias}.
   *
   * @param weight {@code [C]} or null for 1
   * @param bias {@code [C]} or null for 0
   */
  public static void forward(
      Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias, float eps) {
    run(c, out, x, weight, bias, 0f, eps);
  }

  /** {@code norm(x) * (1 + scale) + shift} with {@code shift, scale [C]}. */
  public static void modulated(
      Compute c, Tensor out, Tensor x, Tensor shift, Tensor scale, float eps) {
    Check.notNull(OP, "shift", shift);
    Check.notNull(OP, "scale", scale);
    run(c, out, x, scale, shift, 1f, eps);
  }

  private static void run(
      Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias, float offset, float eps) {
    Check.f32(OP, "x", x);
    Check.atLeastRank(OP, "x", x, 1);
    Check.sameShape(OP, "out", out, "x", x);
    Check.sameOrDisjoint(OP, out, x);
    int channels = Check.size(OP, "last dimension of x", x.dim(-1), x);
    if (weight != null) {
      Check.vector(OP, offset == 0 ? "weight" : "scale", weight, channels);
    }
    if (bias != null) {
      Check.vector(OP, offset == 0 ? "bias" : "shift", bias, channels);
    }
    NormArgs args =
        new NormArgs(
            out.address(),
            x.address(),
            channels,
            c.floats(Compute.Slot.FIRST_PARAMETER, OP, "weight", weight),
            c.floats(Compute.Slot.SECOND_PARAMETER, OP, "bias", bias),
            offset,
            eps);
    c.forRange(
        x.elements() / channels,
        Elementwise.rowGranule(channels),
        (worker, from, to) -> c.kernels().layerNorm(args, from, to));
  }
}
