package inkstone.kernel;

/**
 * What a set of kernels computes. Operands are raw addresses of F32 numbers in row-major order, and
 * sizes; nothing is checked here: {@code inkstone.ops} checks shapes once and splits the work.
 *
 * <p>Row independence is part of the contract: the bits of an output row never depend on how many
 * rows a call has, where the row stands, or how the call was split. Letters: M rows, N columns, K
 * reduction length, S tokens, H heads, D headDim, C channels.
 */
public interface Kernels {
  /**
   * Every dot product of a GEMM, convolution or attention score is cut into blocks of this length:
   * inside a block one chain of fused multiply-adds in rising k from zero; the block sums are added
   * to the bias (or zero) in rising order.
   */
  int K_BLOCK = 512;

  /** Name and vector width, for logs. */
  String describe();

  /** Columns of one packed panel: the granule for splitting N. */
  int panelColumns();

  /** Bytes of scratch that one worker needs in {@link #gemm} and {@link #pack}. */
  long gemmScratchBytes();

  /** Rows {@code [rowFrom, rowTo)} and columns {@code [nFrom, nTo)} of a GEMM. */
  void gemm(GemmArgs args, long rowFrom, long rowTo, int nFrom, int nTo, long scratch);

  /** Bytes of {@code [n, k]} weights in packed form. */
  long packedBytes(int n, int k);

  /**
   * Packs columns {@code [nFrom, nTo)} of F32 weights {@code [n, k]} into this implementation's own
   * layout at {@code packed}; {@code nFrom} is a multiple of {@link #panelColumns}, {@code nTo} too
   * or N.
   */
  void pack(long packed, long weight, int n, int k, int nFrom, int nTo, long scratch);

  /** Bytes of scratch that one worker needs in {@link #conv}. */
  long convScratchBytes(ConvArgs args);

  /** Output pixels {@code [pixelFrom, pixelTo)} in row-major order of a convolution. */
  void conv(ConvArgs args, long pixelFrom, long pixelTo, long scratch);

  /** Most query rows that one {@link #attention} call takes. */
  int attentionRows();

  /** Bytes of scratch that one worker needs in {@link #attention}. */
  long attentionScratchBytes(int headDim);

  /**
   * {@code out = softmax(q·kᵀ * scale + masks)·v} for one block. A query that sees no key gives a
   * row of zeros.
   */
  void attention(AttentionArgs args, AttentionBlock block, long scratch);

  /** LayerNorm of rows {@code [rowFrom, rowTo)}; {@code out} may be {@code x}. */
  void layerNorm(NormArgs args, long rowFrom, long rowTo);

  /** RMS or L2 norm of rows {@code [rowFrom, rowTo)}; {@code out} may be {@code x}. */
  void rmsNorm(RmsArgs args, long rowFrom, long rowTo);

  /** Softmax of {@code rows} rows of {@code n}; {@code out} may be {@code x}. */
  void softmax(long out, long x, long rows, int n);

  /** Bytes of scratch that one worker needs in {@link #rope}. */
  long ropeScratchBytes(int headDim);

  /** Rotates tokens {@code [tokenFrom, tokenTo)} in place. */
  void rope(RopeArgs args, long tokenFrom, long tokenTo, long scratch);

  /** {@code out[i] = op(x[i])}; {@code out} may be {@code x}. */
  void unary(UnaryOp op, long out, long x, long n);

  /** {@code out[i] = op(a[i], b[i])}; {@code out} may be either. */
  void binary(BinaryOp op, long out, long a, long b, long n);

  /** {@code out[i] = x[i] * factor}; {@code out} may be {@code x}. */
  void scale(long out, long x, float factor, long n);

  /** {@code x[i] += factor * y[i]}, rounded after the product and after the sum. */
  void addScaled(long x, long y, float factor, long n);

  /** {@code x[r, c] += y[r, c] * gate[c]}, rounded after the product and after the sum. */
  void addGated(long x, long y, long gate, long rows, int channels);

  /**
   * True classifier-free guidance of each row, in place: {@code comb = negative + scale * (positive
   * - negative); positive = comb * ‖positive‖ / ‖comb‖}.
   */
  void trueCfg(long positive, long negative, float scale, long rows, int channels);

  /**
   * Input rows {@code [rowFrom, rowTo)} of {@code x [H, W, C]} to their two output rows of {@code
   * out [2H, 2W, C]}.
   */
  void nearest2x(long out, long x, int width, int channels, long rowFrom, long rowTo);

  /** {@code n} elements of {@code type} widened to F32; exact. */
  void widen(long out, long x, ElementType type, long n);
}
