package inkstone.kernel;

/**
 * Plain loops: the truth that the vector twins are tested against, and the fallback where the
 * Vector API is missing. GEMM and convolution follow the reduction order of {@link Kernels#K_BLOCK}
 * to the bit; the other kernels reduce in double.
 */
public final class ScalarKernels implements Kernels {
  private static final double SQRT_2_OVER_PI = Math.sqrt(2 / Math.PI);

  @Override
  public String describe() {
    return "scalar";
  }

  @Override
  public int lanes() {
    return 1;
  }

  @Override
  public void fmaPeak(long chains, int steps) {
    for (int chain = 0; chain < FMA_CHAINS; chain++) {
      float x = Raw.get(chains, chain);
      for (int i = 0; i < steps; i++) {
        x = Math.fma(x, FMA_FACTOR, FMA_ADDEND);
      }
      Raw.set(chains, chain, x);
    }
  }

  @Override
  public int panelColumns() {
    return 1;
  }

  @Override
  public int tileRows() {
    return 1;
  }

  @Override
  public long gemmScratchBytes(long rows, int n) {
    return 0;
  }

  @Override
  public void gemm(GemmArgs g, long rowFrom, long rowTo, int nFrom, int nTo, long scratch) {
    for (long m = rowFrom; m < rowTo; m++) {
      long x = g.x() + m * g.xStride() * 4;
      for (int n = nFrom; n < nTo; n++) {
        long weight = g.weight() + g.type().bytes((long) n * g.k());
        float sum = g.bias() == 0 ? 0 : Raw.get(g.bias(), n);
        for (int block = 0; block < g.k(); block += K_BLOCK) {
          float blockSum = 0;
          for (int k = block; k < Math.min(g.k(), block + K_BLOCK); k++) {
            blockSum = Math.fma(Raw.get(x, k), g.weight(weight, k), blockSum);
          }
          sum += blockSum;
        }
        finish(g, m * g.outStride() + n, n, sum);
      }
    }
  }

  private static void finish(GemmArgs g, long at, int n, float sum) {
    float y =
        switch (g.epilogue()) {
          case NONE -> sum;
          case GELU_TANH -> unary(UnaryOp.GELU_TANH, sum);
          case SILU -> unary(UnaryOp.SILU, sum);
          case ADD_GATED -> Raw.get(g.out(), at) + Raw.get(g.gate(), n) * sum;
        };
    Raw.set(g.out(), at, y);
  }

  @Override
  public long packScratchBytes() {
    return 0;
  }

  @Override
  public long gemvScratchBytes(GemmArgs args) {
    return 0;
  }

  @Override
  public void gemv(GemmArgs g, long rowFrom, long rowTo, int nFrom, int nTo, long scratch) {
    ScalarGemv.gemv(g, rowFrom, rowTo, nFrom, nTo);
  }

  @Override
  public long packedBytes(int n, int k) {
    return 4L * n * k;
  }

  @Override
  public void pack(long packed, long weight, int n, int k, int nFrom, int nTo, long scratch) {
    for (long i = (long) nFrom * k; i < (long) nTo * k; i++) {
      Raw.set(packed, i, Raw.get(weight, i));
    }
  }

  @Override
  public long convScratchBytes(ConvArgs c) {
    return 4L * c.k();
  }

  @Override
  public void conv(ConvArgs c, long pixelFrom, long pixelTo, long scratch) {
    for (long pixel = pixelFrom; pixel < pixelTo; pixel++) {
      long top = pixel / c.outWidth() * c.stride() - c.padTop();
      long left = pixel % c.outWidth() * c.stride() - c.padLeft();
      long i = 0;
      for (long y = top; y < top + c.kernelHeight(); y++) {
        for (long x = left; x < left + c.kernelWidth(); x++) {
          boolean inside = y >= 0 && y < c.height() && x >= 0 && x < c.width();
          for (int ci = 0; ci < c.cin(); ci++) {
            Raw.set(scratch, i++, inside ? Raw.get(c.x(), (y * c.width() + x) * c.cin() + ci) : 0f);
          }
        }
      }
      long out = c.out() + c.outOffset(pixel);
      GemmArgs row =
          new GemmArgs(
              out,
              c.cout(),
              scratch,
              c.k(),
              c.packed(),
              ElementType.F32,
              1,
              c.bias(),
              c.cout(),
              c.k());
      gemm(row, 0, 1, 0, c.cout(), 0);
      if (c.residual() != 0) {
        binary(BinaryOp.ADD, out, out, c.residual() + c.outOffset(pixel), c.cout());
      }
    }
  }

  @Override
  public int attentionRows() {
    return 64;
  }

  @Override
  public long attentionScratchBytes(int headDim) {
    return 0;
  }

  @Override
  public void attention(AttentionArgs a, AttentionBlock b, long scratch) {
    int d = a.headDim();
    int kvHead = b.head() / (a.heads() / a.kvHeads());
    for (long i = b.queryFrom(); i < b.queryTo(); i++) {
      long q = (i * a.heads() + b.head()) * d;
      int keys = (int) Math.max(0, Math.min(b.keyTo(), i + b.causalShift() + 1) - b.keyFrom());
      double[] weights = new double[keys];
      double max = Double.NEGATIVE_INFINITY;
      for (int j = 0; j < keys; j++) {
        long key = b.keyFrom() + j;
        KeySegment s = a.segments().get(a.segmentOf(key));
        long k = a.offset(s, key, kvHead);
        double score = 0;
        for (int e = 0; e < d; e++) {
          score += (double) Raw.get(a.q(), q + e) * Raw.get(s.kType(), s.k(), k + e);
        }
        weights[j] = score * a.scale() + (a.keyBias() == 0 ? 0 : Raw.get(a.keyBias(), key));
        max = Math.max(max, weights[j]);
      }
      double total = 0;
      for (int j = 0; j < keys; j++) {
        weights[j] = max == Double.NEGATIVE_INFINITY ? 0 : Math.exp(weights[j] - max);
        total += weights[j];
      }
      for (int e = 0; e < d; e++) {
        double sum = 0;
        for (int j = 0; j < keys; j++) {
          long key = b.keyFrom() + j;
          KeySegment s = a.segments().get(a.segmentOf(key));
          sum += weights[j] * Raw.get(s.vType(), s.v(), a.offset(s, key, kvHead) + e);
        }
        Raw.set(a.out(), q + e, total == 0 ? 0 : (float) (sum / total));
      }
    }
  }

  @Override
  public void layerNorm(NormArgs a, long rowFrom, long rowTo) {
    int channels = a.channels();
    for (long r = rowFrom; r < rowTo; r++) {
      double sum = 0;
      for (int c = 0; c < channels; c++) {
        sum += Raw.get(a.x(), r * channels + c);
      }
      double mean = sum / channels;
      double squares = 0;
      for (int c = 0; c < channels; c++) {
        double centred = Raw.get(a.x(), r * channels + c) - mean;
        squares += centred * centred;
      }
      double inverse = 1 / Math.sqrt(squares / channels + a.eps());
      for (int c = 0; c < channels; c++) {
        double y = (Raw.get(a.x(), r * channels + c) - mean) * inverse;
        if (a.weight() != 0) {
          y *= a.weightOffset() + Raw.get(a.weight(), c);
        }
        if (a.bias() != 0) {
          y += Raw.get(a.bias(), c);
        }
        Raw.set(a.out(), r * channels + c, (float) y);
      }
    }
  }

  @Override
  public void rmsNorm(RmsArgs a, long rowFrom, long rowTo) {
    int channels = a.channels();
    for (long r = rowFrom; r < rowTo; r++) {
      double squares = 0;
      for (int c = 0; c < channels; c++) {
        double value = Raw.get(a.x(), r * channels + c);
        squares += value * value;
      }
      double factor =
          a.form() == RmsArgs.Form.ROOT_MEAN_SQUARE
              ? 1 / Math.sqrt(squares / channels + a.eps())
              : Math.sqrt(channels) / Math.max(Math.sqrt(squares), RmsArgs.L2_FLOOR);
      for (int c = 0; c < channels; c++) {
        double y = Raw.get(a.x(), r * channels + c) * factor;
        if (a.weight() != 0) {
          y *= Raw.get(a.weight(), c);
        }
        if (a.form() == RmsArgs.Form.L2_SILU) {
          y = silu(y);
        }
        Raw.set(a.out(), r * channels + c, (float) y);
      }
    }
  }

  @Override
  public void softmax(long out, long x, long rows, int n) {
    for (long r = 0; r < rows; r++) {
      double max = Double.NEGATIVE_INFINITY;
      for (int i = 0; i < n; i++) {
        max = Math.max(max, Raw.get(x, r * n + i));
      }
      double total = 0;
      for (int i = 0; i < n; i++) {
        total += Math.exp(Raw.get(x, r * n + i) - max);
      }
      for (int i = 0; i < n; i++) {
        Raw.set(out, r * n + i, (float) (Math.exp(Raw.get(x, r * n + i) - max) / total));
      }
    }
  }

  @Override
  public long ropeScratchBytes(int headDim) {
    return 0;
  }

  @Override
  public void rope(RopeArgs a, long tokenFrom, long tokenTo, long scratch) {
    int half = a.headDim() / 2;
    boolean interleaved = a.form() == RopeArgs.Form.INTERLEAVED;
    for (long s = tokenFrom; s < tokenTo; s++) {
      for (int h = 0; h < a.heads(); h++) {
        long row = (s * a.heads() + h) * a.headDim();
        for (int i = 0; i < half; i++) {
          long first = row + (interleaved ? 2 * i : i);
          long second = interleaved ? first + 1 : first + half;
          double u = Raw.get(a.x(), first);
          double v = Raw.get(a.x(), second);
          double cos = Raw.get(a.cos(), s * half + i);
          double sin = Raw.get(a.sin(), s * half + i);
          Raw.set(a.x(), first, (float) (u * cos - v * sin));
          Raw.set(a.x(), second, (float) (v * cos + u * sin));
        }
      }
    }
  }

  @Override
  public void qkNormRope(QkNormRopeArgs a, long tokenFrom, long tokenTo, long scratch) {
    RmsArgs norm =
        new RmsArgs(a.x(), a.x(), a.headDim(), a.weight(), a.eps(), RmsArgs.Form.ROOT_MEAN_SQUARE);
    RopeArgs rope =
        new RopeArgs(a.x(), a.cos(), a.sin(), a.heads(), a.headDim(), RopeArgs.Form.INTERLEAVED);
    rmsNorm(norm, tokenFrom * a.heads(), tokenTo * a.heads());
    rope(rope, tokenFrom, tokenTo, scratch);
  }

  @Override
  public void unary(UnaryOp op, long out, long x, long n) {
    for (long i = 0; i < n; i++) {
      Raw.set(out, i, unary(op, Raw.get(x, i)));
    }
  }

  private static float unary(UnaryOp op, double v) {
    return (float)
        switch (op) {
          case GELU_TANH -> v / (1 + Math.exp(-2 * SQRT_2_OVER_PI * (v + 0.044715 * v * v * v)));
          case GELU_ERF -> v * NormalDistribution.cdf(v);
          case SILU -> silu(v);
        };
  }

  @Override
  public void binary(BinaryOp op, long out, long a, long b, long n) {
    for (long i = 0; i < n; i++) {
      float u = Raw.get(a, i);
      float v = Raw.get(b, i);
      Raw.set(
          out,
          i,
          switch (op) {
            case ADD -> u + v;
            case SWIGLU -> (float) (silu(u) * v);
          });
    }
  }

  @Override
  public void scale(long out, long x, float factor, long n) {
    for (long i = 0; i < n; i++) {
      Raw.set(out, i, Raw.get(x, i) * factor);
    }
  }

  @Override
  public void addGated(long x, long y, long gate, long rows, int channels) {
    for (long r = 0; r < rows; r++) {
      for (int c = 0; c < channels; c++) {
        long i = r * channels + c;
        Raw.set(x, i, Raw.get(x, i) + Raw.get(y, i) * Raw.get(gate, c));
      }
    }
  }

  @Override
  public void addScaled(long x, long y, float factor, long n) {
    for (long i = 0; i < n; i++) {
      Raw.set(x, i, Raw.get(x, i) + factor * Raw.get(y, i));
    }
  }

  @Override
  public void trueCfg(long positive, long negative, float scale, long rows, int channels) {
    for (long row = 0; row < rows * channels; row += channels) {
      double positiveSquares = 0;
      double combinedSquares = 0;
      for (int c = 0; c < channels; c++) {
        double p = Raw.get(positive, row + c);
        double combined = combine(Raw.get(positive, row + c), Raw.get(negative, row + c), scale);
        positiveSquares += p * p;
        combinedSquares += combined * combined;
      }
      float ratio = (float) Math.sqrt(positiveSquares) / (float) Math.sqrt(combinedSquares);
      for (int c = 0; c < channels; c++) {
        float combined = combine(Raw.get(positive, row + c), Raw.get(negative, row + c), scale);
        Raw.set(positive, row + c, combined * ratio);
      }
    }
  }

  private static float combine(float positive, float negative, float scale) {
    return negative + scale * (positive - negative);
  }

  @Override
  public void widen(long out, long x, ElementType type, float scale, long n) {
    for (long i = 0; i < n; i++) {
      Raw.set(out, i, Raw.get(type, x, i, scale));
    }
  }

  @Override
  public void narrowToBf16(long out, long x, long n) {
    ScalarNarrow.bf16(out, x, 0, n);
  }

  @Override
  public void narrowToF16(long out, long x, long n) {
    ScalarNarrow.f16(out, x, 0, n);
  }

  @Override
  public void quantize(long out, long scales, long x, long rows, int channels) {
    ScalarInt8.quantize(out, scales, x, rows, channels);
  }

  @Override
  public void dequantize(long out, long x, long scales, long rows, int channels) {
    ScalarInt8.dequantize(out, x, scales, rows, channels);
  }

  @Override
  public void squares(long sums, long a, long b, long rows, int channels) {
    ScalarSquares.squares(sums, a, b, rows, channels);
  }

  @Override
  public int checksum(long address, long bytes) {
    return ScalarChecksum.checksum(address, bytes);
  }

  private static double silu(double v) {
    return v / (1 + Math.exp(-v));
  }
}
