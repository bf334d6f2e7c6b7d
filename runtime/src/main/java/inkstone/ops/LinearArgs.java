package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.kernel.GemmArgs;
import inkstone.tensor.Tensor;

/** What a linear layer asks of its operands, whichever order of additions it then has. */
final class LinearArgs {
  private LinearArgs() {}

  /**
   * Checks the operands of {@code out[.., N] = x[.., K] · weight[N, K]ᵀ + bias[N]}; the bias is
   * widened.
   *
   * @throws IllegalArgumentException when a shape or dtype doesn't fit, or {@code out} overlaps
   *     {@code x}
   */
  static GemmArgs check(String op, Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias) {
    Check.f32(op, "x", x);
    Check.f32(op, "out", out);
    Check.atLeastRank(op, "x", x, 1);
    Check.atLeastRank(op, "out", out, 1);
    final ElementType type = Check.type(op, "weight", weight);
    Check.atLeastRank(op, "weight", weight, 2);
    int n = Check.size(op, "rows of weight", weight.dim(0), weight);
    int k = Check.size(op, "columns of weight", weight.elements() / n, weight);
    if (x.dim(-1) != k) {
      throw Check.bad(
          op,
          "last dimension of x",
          k + " as weight " + weight.name() + " " + weight.shape(),
          x.shape(),
          x.name(),
          "pass the activations this layer was made for");
    }
    long rows = x.elements() / k;
    if (out.dim(-1) != n || out.elements() != rows * n) {
      throw Check.bad(
          op,
          "shape of out",
          "[" + rows + ", " + n + "]",
          out.shape(),
          out.name(),
          "size it for x " + x.shape() + " and weight " + weight.shape());
    }
    if (bias != null) {
      Check.vector(op, "bias", bias, n);
    }
    if (rows != 0) {
      Check.disjoint(op, out, x);
    }
    return new GemmArgs(
        out.address(),
        n,
        x.address(),
        k,
        weight.address(),
        type,
        weight.scale(),
        c.floats(Compute.Slot.FIRST_PARAMETER, op, "bias", bias),
        n,
        k);
  }
}
