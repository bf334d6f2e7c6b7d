package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.kernel.Kernels;
import inkstone.tensor.Tensor;

/** Stored numbers as floats. */
public final class Widen {
  private static final String OP = "Widen";

  /** Elements of one kernel call: whole blocks of every type, and far below what an int counts. */
  private static final long RUN = 1 << 20;

  private Widen() {}

  /**
   * {@code out = x}: exact for floats, as gguf-py rounds for quantised types; then times the scale
   * of {@code x}, rounded once more.
   *
   * @param out F32, of the shape and outside the memory of {@code x}
   * @param x F32, BF16, F16 or a weight's type
   */
  public static void forward(Compute c, Tensor out, Tensor x) {
    ElementType type = Check.type(OP, "x", x);
    Check.sameShape(OP, "out", out, "x", x);
    Check.disjoint(OP, out, x);
    Kernels kernels = c.kernels();
    long to = out.address();
    long from = x.address();
    float scale = x.scale();
    c.forRange(
        x.elements(),
        Elementwise.GRANULE,
        (_, first, last) -> {
          for (long i = first; i < last; i += RUN) {
            kernels.widen(to + 4 * i, from + type.bytes(i), type, scale, Math.min(RUN, last - i));
          }
        });
  }
}
