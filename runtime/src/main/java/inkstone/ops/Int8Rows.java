package inkstone.ops;

import inkstone.kernel.Kernels;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.Arrays;

/**
 * Numbers as signed bytes with one scale a row of the last dimension, symmetric around 0: keys and
 * values {@code [S, H, d]} with a scale per token and head. An element comes back within {@code
 * scale * (1/2 + 2⁻¹⁶)} of what it was.
 */
public final class Int8Rows {
  private Int8Rows() {}

  /**
   * {@code scales = max|x| / 127} and {@code out = x / scales}, rounded to nearest even. A row with
   * NaN or infinity gets scale NaN, so that all of it comes back as NaN. A scale that is not 0 is
   * at least {@link Float#MIN_NORMAL}.
   *
   * @param out I8 {@code [.., d]}
   * @param scales F32 {@code [..]}
   * @param x F32 {@code [.., d]}
   */
  public static void quantize(Compute c, Tensor out, Tensor scales, Tensor x) {
    String op = "Int8Rows.quantize";
    Check.f32(op, "x", x);
    int channels = check(op, "out", out, scales, x);
    Check.disjoint(op, out, x);
    Check.disjoint(op, scales, x);
    Check.disjoint(op, out, scales);
    Kernels kernels = c.kernels();
    long to = out.address();
    long factors = scales.address();
    long from = x.address();
    c.forRange(
        scales.elements(),
        Elementwise.rowGranule(channels),
        (_, first, last) ->
            kernels.quantize(
                to + first * channels,
                factors + 4 * first,
                from + 4 * first * channels,
                last - first,
                channels));
  }

  /**
   * {@code out = x * scales}, rounded to F32.
   *
   * @param out F32 {@code [.., d]}
   * @param x I8 {@code [.., d]}
   * @param scales F32 {@code [..]}
   */
  public static void dequantize(Compute c, Tensor out, Tensor x, Tensor scales) {
    String op = "Int8Rows.dequantize";
    Check.f32(op, "out", out);
    int channels = check(op, "x", x, scales, out);
    Check.disjoint(op, out, x);
    Check.disjoint(op, out, scales);
    Kernels kernels = c.kernels();
    long to = out.address();
    long from = x.address();
    long factors = scales.address();
    c.forRange(
        scales.elements(),
        Elementwise.rowGranule(channels),
        (_, first, last) ->
            kernels.dequantize(
                to + 4 * first * channels,
                from + first * channels,
                factors + 4 * first,
                last - first,
                channels));
  }

  /** Channels of a row. */
  private static int check(String op, String role, Tensor bytes, Tensor scales, Tensor floats) {
    Check.sameDims(op, role, bytes, "the floats", floats);
    if (bytes.dtype() != DType.I8) {
      throw Check.bad(op, "dtype of " + role, "I8", bytes.dtype(), bytes.name(), "pass bytes");
    }
    Check.unscaled(op, role, bytes);
    Check.atLeastRank(op, role, bytes, 1);
    long[] dims = floats.shape().toArray();
    Check.shape(op, "scales", scales, Arrays.copyOf(dims, dims.length - 1));
    return Check.size(op, "last dimension of " + role, floats.dim(-1), bytes);
  }
}
