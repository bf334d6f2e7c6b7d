package inkstone.kernel;

/**
 * A 2-D convolution, channels last: {@code x [H, W, Cin]} to {@code out [Ho, Wo, Cout]}. Pixels
 * outside the picture are zero.
 *
 * @param packed weights as {@link Kernels#pack} laid them out from {@code [Cout, kh·kw·Cin]}
 * @param bias address of Cout floats, or 0
 */
public record ConvArgs(
    long out,
    long x,
    long packed,
    long bias,
    int height,
    int width,
    int cin,
    int outHeight,
    int outWidth,
    int cout,
    int kernelHeight,
    int kernelWidth,
    int stride,
    int padTop,
    int padLeft) {

  /** Length of one reduction: taps times input channels. */
  public int k() {
    return kernelHeight * kernelWidth * cin;
  }
}
