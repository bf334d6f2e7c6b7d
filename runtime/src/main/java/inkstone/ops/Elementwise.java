package inkstone.ops;

import inkstone.kernel.BinaryOp;
import inkstone.kernel.UnaryOp;
import inkstone.tensor.Tensor;

/** Sums and products, element by element. */
public final class Elementwise {
  /** Elements below which a second thread costs more than it saves. */
  static final long GRANULE = 8192;

  private Elementwise() {}

  /** {@code out = a + b}; {@code out} may be either. */
  public static void add(Compute c, Tensor out, Tensor a, Tensor b) {
    binary(c, "Elementwise.add", BinaryOp.ADD, out, a, b);
  }

  /** {@code x[.., C] += y[.., C] * gate[C]} in place. */
  public static void addGated(Compute c, Tensor x, Tensor y, Tensor gate) {
    String op = "Elementwise.addGated";
    Check.f32(op, "x", x);
    Check.atLeastRank(op, "x", x, 1);
    Check.sameShape(op, "y", y, "x", x);
    Check.sameOrDisjoint(op, x, y);
    int channels = Check.size(op, "last dimension of x", x.dim(-1), x);
    Check.vector(op, "gate", gate, channels);
    long to = x.address();
    long from = y.address();
    long factor = c.floats(Compute.Slot.FIRST_PARAMETER, op, "gate", gate);
    c.forRange(
        x.elements() / channels,
        rowGranule(channels),
        (worker, first, last) ->
            c.kernels()
                .addGated(
                    to + first * channels * 4,
                    from + first * channels * 4,
                    factor,
                    last - first,
                    channels));
  }

  /**
   * {@code x += factor * y} in place, rounded after the product and after the sum: Euler's step.
   */
  public static void addScaled(Compute c, Tensor x, Tensor y, float factor) {
    String op = "Elementwise.addScaled";
    Check.f32(op, "x", x);
    Check.sameShape(op, "y", y, "x", x);
    Check.sameOrDisjoint(op, x, y);
    long to = x.address();
    long from = y.address();
    c.forRange(
        x.elements(),
        GRANULE,
        (worker, first, last) ->
            c.kernels().addScaled(to + first * 4, from + first * 4, factor, last - first));
  }

  /** {@code out = x * factor}; {@code out} may be x. */
  public static void scale(Compute c, Tensor out, Tensor x, float factor) {
    String op = "Elementwise.scale";
    Check.f32(op, "x", x);
    Check.sameShape(op, "out", out, "x", x);
    Check.sameOrDisjoint(op, out, x);
    long to = out.address();
    long from = x.address();
    c.forRange(
        x.elements(),
        GRANULE,
        (worker, first, last) ->
            c.kernels().scale(to + first * 4, from + first * 4, factor, last - first));
  }

  static void unary(Compute c, String op, UnaryOp function, Tensor out, Tensor x) {
    Check.f32(op, "x", x);
    Check.sameShape(op, "out", out, "x", x);
    Check.sameOrDisjoint(op, out, x);
    long to = out.address();
    long from = x.address();
    c.forRange(
        x.elements(),
        GRANULE,
        (worker, first, last) ->
            c.kernels().unary(function, to + first * 4, from + first * 4, last - first));
  }

  static void binary(Compute c, String op, BinaryOp function, Tensor out, Tensor a, Tensor b) {
    Check.f32(op, "first input", a);
    Check.sameShape(op, "second input", b, "the first", a);
    Check.sameShape(op, "out", out, "the inputs", a);
    Check.sameOrDisjoint(op, out, a);
    Check.sameOrDisjoint(op, out, b);
    long to = out.address();
    long left = a.address();
    long right = b.address();
    c.forRange(
        a.elements(),
        GRANULE,
        (worker, first, last) ->
            c.kernels()
                .binary(
                    function, to + first * 4, left + first * 4, right + first * 4, last - first));
  }

  /** Rows of {@code channels} elements that make a granule of work. */
  static long rowGranule(long channels) {
    return Math.max(1, GRANULE / channels);
  }
}
