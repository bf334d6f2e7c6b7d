package inkstone.ops;

import inkstone.kernel.Kernels;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Floats in fewer bits. */
public final class Narrow {
  private static final String OP = "Narrow";

  private Narrow() {}

  /**
   * {@code out = x}, rounded to the dtype of {@code out}: to nearest and ties to even, too large
   * numbers to infinity, NaN to NaN.
   *
   * @param out F32 (a copy), BF16 or F16, of the shape and outside the memory of {@code x}
   * @param x F32
   */
  public static void forward(Compute c, Tensor out, Tensor x) {
    Check.f32(OP, "x", x);
    Check.sameDims(OP, "out", out, "x", x);
    DType type = out.dtype();
    if (type != DType.F32 && type != DType.BF16 && type != DType.F16) {
      throw Check.bad(
          OP, "dtype of out", "F32, BF16 or F16", type, out.name(), "choose one of these");
    }
    Check.unscaled(OP, "out", out);
    Check.disjoint(OP, out, x);
    Kernels kernels = c.kernels();
    long to = out.address();
    long from = x.address();
    c.forRange(
        x.elements(),
        Elementwise.GRANULE,
        (_, first, last) -> {
          long n = last - first;
          switch (type) {
            case BF16 -> kernels.narrowToBf16(to + 2 * first, from + 4 * first, n);
            case F16 -> kernels.narrowToF16(to + 2 * first, from + 4 * first, n);
            default -> MemorySegment.copy(x.segment(), 4 * first, out.segment(), 4 * first, 4 * n);
          }
        });
  }
}
