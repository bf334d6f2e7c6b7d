package inkstone.ops;

import inkstone.tensor.Tensor;

/** Enlarging pictures, channels last. */
public final class Upsample {
  private static final String OP = "Upsample";

  private Upsample() {}

  /** Each pixel of {@code x [H, W, C]} becomes four of {@code out [2H, 2W, C]}. */
  public static void nearest2x(Compute c, Tensor out, Tensor x) {
    Check.f32(OP, "x", x);
    Check.rank(OP, "x", x, 3);
    int width = Check.size(OP, "width of x", x.dim(1), x);
    int channels = Check.size(OP, "channels of x", x.dim(2), x);
    Check.shape(OP, "out", out, 2 * x.dim(0), 2L * width, channels);
    if (x.dim(0) == 0) {
      return;
    }
    Check.disjoint(OP, out, x);
    long to = out.address();
    long from = x.address();
    c.forRange(
        x.dim(0),
        Elementwise.rowGranule(4L * width * channels),
        (worker, first, last) -> c.kernels().nearest2x(to, from, width, channels, first, last));
  }
}
