package inkstone.kernel;

/**
 * A 2-D convolution, channels last: {@code x [H, W, Cin]} to {@code out [Ho, Wo, Cout]}. Pixels
 * outside the picture are zero. Output pixel (i, j) may be a pixel of a larger picture: with {@code
 * outStep} s it lies at pixel (s·i, s·j) of a picture of {@code s·Wo} columns that begins at {@code
 * out}.
 *
 * @param packed weights as {@link Kernels#pack} laid them out from {@code [Cout, kh·kw·Cin]}
 * @param bias address of Cout floats, or 0
 * @param residual address of what is added last, after bias and all block sums, laid out as {@code
 *     out} and apart from it; or 0
 * @param outStep 1, or the distance of two neighbours in the larger picture
 */
public record ConvArgs(
    long out,
    long x,
    long packed,
    long bias,
    long residual,
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
    int padLeft,
    int outStep) {

  /** Length of one reduction: taps times input channels. */
  public int k() {
    return kernelHeight * kernelWidth * cin;
  }

  /** Bytes from {@code out} to an output pixel, numbered row by row. */
  public long outOffset(long pixel) {
    long row = pixel / outWidth;
    long column = pixel % outWidth;
    return 4L * cout * outStep * (row * outStep * outWidth + column);
  }
}
