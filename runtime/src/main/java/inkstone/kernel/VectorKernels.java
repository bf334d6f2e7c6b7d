package inkstone.kernel;

/** The Vector API twins: guards and dispatch only. */
final class VectorKernels implements Kernels {
  private static final int SILU_ELEMENTS = 4096;

  @Override
  public String describe() {
    return "vector kernels, " + VectorShapes.FLOATS.vectorBitSize() + " bit";
  }

  @Override
  public int lanes() {
    return VectorShapes.LANES;
  }

  @Override
  public void fmaPeak(long chains, int steps) {
    VectorPeak.run(chains, steps);
  }

  @Override
  public int panelColumns() {
    return VectorTile.PANEL;
  }

  @Override
  public int tileRows() {
    return VectorTile.ROWS;
  }

  @Override
  public long gemmScratchBytes(long rows, int n) {
    return VectorGemm.scratchBytes(rows, n);
  }

  @Override
  public void gemm(GemmArgs args, long rowFrom, long rowTo, int nFrom, int nTo, long scratch) {
    VectorGemm.gemm(args, rowFrom, rowTo, nFrom, nTo, scratch);
  }

  @Override
  public long packScratchBytes() {
    return VectorPack.SCRATCH_BYTES;
  }

  @Override
  public long gemvScratchBytes(GemmArgs args) {
    return VectorGemv.scratchBytes(args.k());
  }

  @Override
  public void gemv(GemmArgs args, long rowFrom, long rowTo, int nFrom, int nTo, long scratch) {
    VectorGemv.gemv(args, rowFrom, rowTo, nFrom, nTo, scratch);
  }

  @Override
  public long packedBytes(int n, int k) {
    return 4L * VectorGemm.padded(n) * k;
  }

  @Override
  public void pack(long packed, long weight, int n, int k, int nFrom, int nTo, long scratch) {
    VectorPack.pack(
        packed + 4L * nFrom * k,
        4L * VectorTile.PANEL * k,
        weight + 4L * nFrom * k,
        ElementType.F32,
        1,
        k,
        nTo - nFrom,
        k,
        scratch);
  }

  @Override
  public long convScratchBytes(ConvArgs args) {
    return VectorConv.scratchBytes(args);
  }

  @Override
  public void conv(ConvArgs args, long pixelFrom, long pixelTo, long scratch) {
    VectorConv.conv(args, pixelFrom, pixelTo, scratch);
  }

  @Override
  public int attentionRows() {
    return VectorAttention.QUERIES;
  }

  @Override
  public long attentionScratchBytes(int headDim) {
    return VectorAttention.scratchBytes(headDim);
  }

  @Override
  public void attention(AttentionArgs args, AttentionBlock block, long scratch) {
    VectorAttention.attention(args, block, scratch);
  }

  @Override
  public void layerNorm(NormArgs args, long rowFrom, long rowTo) {
    VectorNorm.layerNorm(args, rowFrom, rowTo);
  }

  @Override
  public void rmsNorm(RmsArgs args, long rowFrom, long rowTo) {
    if (args.form() != RmsArgs.Form.L2_SILU) {
      VectorNorm.rmsNorm(args, rowFrom, rowTo);
      return;
    }
    // Some rows at a time, which stay in L1. Both in one loop exceed C2's inlining budget.
    long step = Math.max(1, SILU_ELEMENTS / args.channels());
    for (long row = rowFrom; row < rowTo; row += step) {
      long end = Math.min(rowTo, row + step);
      VectorNorm.rmsNorm(args, row, end);
      long out = args.out() + 4 * row * args.channels();
      VectorElementwise.silu(out, out, (end - row) * args.channels());
    }
  }

  @Override
  public void softmax(long out, long x, long rows, int n) {
    VectorNorm.softmax(out, x, rows, n);
  }

  @Override
  public long ropeScratchBytes(int headDim) {
    return VectorRope.scratchBytes(headDim);
  }

  @Override
  public void rope(RopeArgs args, long tokenFrom, long tokenTo, long scratch) {
    VectorRope.rope(args, tokenFrom, tokenTo, scratch);
  }

  @Override
  public void qkNormRope(QkNormRopeArgs args, long tokenFrom, long tokenTo, long scratch) {
    VectorRope.qkNormRope(args, tokenFrom, tokenTo, scratch);
  }

  @Override
  public void unary(UnaryOp op, long out, long x, long n) {
    switch (op) {
      case GELU_TANH -> VectorElementwise.geluTanh(out, x, n);
      case GELU_ERF -> VectorElementwise.geluErf(out, x, n);
      case SILU -> VectorElementwise.silu(out, x, n);
    }
  }

  @Override
  public void binary(BinaryOp op, long out, long a, long b, long n) {
    switch (op) {
      case ADD -> VectorElementwise.add(out, a, b, n);
      case SWIGLU -> VectorElementwise.swiGlu(out, a, b, n);
    }
  }

  @Override
  public void scale(long out, long x, float factor, long n) {
    VectorElementwise.scale(out, x, factor, n);
  }

  @Override
  public void addScaled(long x, long y, float factor, long n) {
    VectorElementwise.addScaled(x, y, factor, n);
  }

  @Override
  public void addGated(long x, long y, long gate, long rows, int channels) {
    for (long r = 0; r < rows; r++) {
      VectorElementwise.addProduct(x + 4 * r * channels, y + 4 * r * channels, gate, channels);
    }
  }

  @Override
  public void trueCfg(long positive, long negative, float scale, long rows, int channels) {
    VectorNorm.trueCfg(positive, negative, scale, rows, channels);
  }

  @Override
  public void widen(long out, long x, ElementType type, float scale, long n) {
    VectorWiden.widen(out, x, type, scale, n);
  }

  @Override
  public void narrowToBf16(long out, long x, long n) {
    VectorNarrow.bf16(out, x, n);
  }

  @Override
  public void narrowToF16(long out, long x, long n) {
    VectorNarrow.f16(out, x, n);
  }

  @Override
  public void quantize(long out, long scales, long x, long rows, int channels) {
    VectorInt8.quantize(out, scales, x, rows, channels);
  }

  @Override
  public void dequantize(long out, long x, long scales, long rows, int channels) {
    VectorInt8.dequantize(out, x, scales, rows, channels);
  }

  @Override
  public void squares(long sums, long a, long b, long rows, int channels) {
    VectorSquares.squares(sums, a, b, rows, channels);
  }

  @Override
  public int checksum(long address, long bytes) {
    return VectorChecksum.checksum(address, bytes);
  }
}
