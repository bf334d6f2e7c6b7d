package inkstone.ops;

import inkstone.kernel.QkNormRopeArgs;
import inkstone.tensor.Tensor;

/**
 * QK-norm and rotary embedding in one pass over memory. The bits are those of {@link
 * RmsNorm#forward} over the heads followed by {@link Rope#interleaved}.
 */
public final class QkNormRope {
  private static final String OP = "QkNormRope";

  private QkNormRope() {}

  /**
   * Replaces each head {@code h} of {@code x} by {@code rope(h / sqrt(mean(h²) + eps) * weight)};
   * pairs are elements {@code 2i, 2i + 1}.
   *
   * @param x {@code [S, H, D]}, queries or keys, in place
   * @param weight {@code [D]}
   * @param cos {@code [S, D / 2]}
   * @param sin as cos
   */
  public static void interleaved(
      Compute c, Tensor x, Tensor weight, Tensor cos, Tensor sin, float eps) {
    int headDim = Rope.checkedHeadDim(OP, x, cos, sin);
    int heads = Check.size(OP, "heads of x", x.dim(1), x);
    Check.vector(OP, "weight", weight, headDim);
    QkNormRopeArgs args =
        new QkNormRopeArgs(
            x.address(),
            c.floats(Compute.Slot.FIRST_PARAMETER, OP, "weight", weight),
            cos.address(),
            sin.address(),
            heads,
            headDim,
            eps);
    c.reserveWorkers(c.kernels().ropeScratchBytes(headDim));
    c.forRange(
        x.dim(0),
        Elementwise.rowGranule((long) heads * headDim),
        (worker, from, to) -> c.kernels().qkNormRope(args, from, to, c.workerScratch(worker)));
  }
}
