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
  int K_BLOCK = 256;

  /** Chains that {@link #fmaPeak} runs: more than latency times units of any processor. */
  int FMA_CHAINS = 12;

  /** Factor of a step of {@link #fmaPeak}; with {@link #FMA_ADDEND} a chain tends to 1. */
  float FMA_FACTOR = 1 - 0x1p-10f;

  /** What a step of {@link #fmaPeak} adds. */
  float FMA_ADDEND = 0x1p-10f;

  /** Partial sums that {@link #squares} keeps of each of its two sums of a row. */
  int SQUARE_CHAINS = 8;

  /** Name and vector width, for logs. */
  String describe();

  /** Numbers of one vector; 1 for plain loops. */
  int lanes();

  /**
   * {@code x = x * FMA_FACTOR + FMA_ADDEND}, {@code steps} times, for {@link #FMA_CHAINS} chains of
   * {@link #lanes} numbers at {@code chains}. Between one load and one store a chain stays in a
   * register, so the time is what 2 · steps · chains · lanes operations take at least.
   */
  void fmaPeak(long chains, int steps);

  /** Columns of one packed panel: the granule for splitting N. */
  int panelColumns();

  /** Rows of one register tile: the granule for splitting M. */
  int tileRows();

  /** Bytes of scratch that one worker needs in {@link #gemm} for so many rows and columns. */
  long gemmScratchBytes(long rows, int n);

  /** Rows {@code [rowFrom, rowTo)} and columns {@code [nFrom, nTo)} of a GEMM. */
  void gemm(GemmArgs args, long rowFrom, long rowTo, int nFrom, int nTo, long scratch);

  /** Bytes of scratch that one worker needs in {@link #pack}. */
  long packScratchBytes();

  /** Bytes of scratch that one worker needs in {@link #gemv}. */
  long gemvScratchBytes(GemmArgs args);

  /**
   * Rows {@code [rowFrom, rowTo)}, which should be few, and columns {@code [nFrom, nTo)} of a GEMM.
   * It reads a weight once for all rows, in its stored type. The order of additions is its own, not
   * that of {@link #gemm}: the bits of an element depend on its row of x, its row of the weight and
   * its bias.
   */
  void gemv(GemmArgs args, long rowFrom, long rowTo, int nFrom, int nTo, long scratch);

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

  /** Bytes of scratch that one worker needs in {@link #rope} and {@link #qkNormRope}. */
  long ropeScratchBytes(int headDim);

  /** Rotates tokens {@code [tokenFrom, tokenTo)} in place. */
  void rope(RopeArgs args, long tokenFrom, long tokenTo, long scratch);

  /**
   * Norms and then rotates all heads of tokens {@code [tokenFrom, tokenTo)} in place; the bits are
   * those of {@link #rmsNorm} over the heads followed by {@link #rope}.
   */
  void qkNormRope(QkNormRopeArgs args, long tokenFrom, long tokenTo, long scratch);

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
   * {@code n} elements of {@code type}, a whole number of its blocks, widened to F32: exact for
   * floats, as gguf-py rounds for quantised types. Then, unless it is 1, times {@code scale}, and
   * rounded again.
   */
  void widen(long out, long x, ElementType type, float scale, long n);

  /**
   * {@code n} floats rounded to bfloat16, to nearest and ties to even; what is too large becomes
   * infinite. NaN stays NaN: it keeps its sign and upper bits and becomes quiet.
   */
  void narrowToBf16(long out, long x, long n);

  /** As {@link #narrowToBf16}, to float16 with its subnormal numbers. */
  void narrowToF16(long out, long x, long n);

  /**
   * Rows of {@code channels} floats as signed bytes and one F32 scale a row: {@code scale = max|x|
   * / 127} and {@code out = x / scale}, each rounded to nearest and ties to even, so that bytes are
   * within ±127. The scale is kept between the smallest normal number and the largest of which 127
   * times is finite. A row of zeros has scale 0, a row with NaN or infinity scale NaN; both have
   * bytes 0.
   *
   * <p>{@code |x - out * scale|}, the product rounded to F32, is at most {@code scale * (1/2 +
   * 2⁻¹⁶)}: half a step, half an ulp of a quotient up to 127 (2⁻¹⁸), and half an ulp of the product
   * (2⁻¹⁷).
   */
  void quantize(long out, long scales, long x, long rows, int channels);

  /** Rows of signed bytes times their row's scale, rounded to F32. */
  void dequantize(long out, long x, long scales, long rows, int channels);

  /**
   * Partial sums in double of {@code (a - b)²} and of {@code b²} for each row: at {@code sums}, per
   * row, {@link #SQUARE_CHAINS} doubles of the one and as many of the other. Element i goes to
   * partial sum i modulo {@link #SQUARE_CHAINS}, in rising order, by fused multiply-adds from zero:
   * equal bits at every vector width.
   */
  void squares(long sums, long a, long b, long rows, int channels);

  /**
   * Sum modulo 2³² of the 32-bit words of memory, the last one filled up with zeros: what reads
   * memory and computes next to nothing, to measure its bandwidth.
   */
  int checksum(long address, long bytes);
}
