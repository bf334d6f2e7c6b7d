package inkstone.kernel;

import static inkstone.kernel.VectorMemory.load;

/**
 * A weight matrix times one or few rows, at the speed at which memory gives the weights. Weights
 * are read in their stored type, lanes along k, a vector of partial sums for each weight row; all
 * rows of x meet a weight while it is in the caches. See docs/kernels.md.
 */
final class VectorGemv {
  private static final int BYTES = VectorShapes.BYTES;

  /** Weight rows that are read side by side. */
  private static final int ROWS = 4;

  /** Rows of x that share one pass over the weights. */
  private static final int BATCH = 8;

  /** Elements of a weight row that are widened at a time; four such pieces fit into L1. */
  private static final int PIECE = 1024;

  /** Bytes of the sums of one row of x. */
  private static final int SUMS = ROWS * BYTES;

  /**
   * Addresses of a worker's scratch.
   *
   * @param sums of {@link #BATCH} rows of x, {@link #SUMS} bytes each
   * @param pieces widened weights, {@link #ROWS} times {@link #PIECE} floats
   * @param factors see {@link VectorDotBlocks#factors}
   * @param scaled see {@link VectorDotBlocks#factors}
   * @param groupSums see {@link VectorDotBlocks#groupSums}, one for each row of x
   * @param bytes scratch of {@link VectorDotBlocks#factors}
   */
  private record Scratch(
      long sums, long pieces, long factors, long scaled, long groupSums, long bytes) {
    static Scratch at(long address, int k) {
      long pieces = address + (long) BATCH * SUMS;
      long factors = pieces + 4L * ROWS * PIECE;
      long scaled = factors + VectorDotBlocks.factorBytes(k);
      long groupSums = scaled + VectorDotBlocks.factorBytes(k);
      long bytes = groupSums + BATCH * VectorDotBlocks.factorBytes(k);
      return new Scratch(address, pieces, factors, scaled, groupSums, bytes);
    }
  }

  private VectorGemv() {}

  static long scratchBytes(int k) {
    return Scratch.at(0, k).bytes + VectorDotBlocks.factorBytes(k);
  }

  /** As {@link Kernels#gemv}. */
  static void gemv(GemmArgs g, long rowFrom, long rowTo, int nFrom, int nTo, long address) {
    Scratch scratch = Scratch.at(address, g.k());
    for (long m = rowFrom; m < rowTo; m += BATCH) {
      int rows = (int) Math.min(BATCH, rowTo - m);
      if (VectorDotBlocks.hasFactors(g.type())) {
        for (int r = 0; r < rows; r++) {
          long x = g.x() + 4 * (m + r) * g.xStride();
          long to = scratch.groupSums + r * VectorDotBlocks.factorBytes(g.k());
          VectorDotBlocks.groupSums(g.type(), to, x, g.k());
        }
      }
      for (int n = nFrom; n < nTo; n += ROWS) {
        columns(g, m, rows, n, Math.min(ROWS, nTo - n), scratch);
      }
    }
  }

  /** Up to four columns of up to eight rows. */
  private static void columns(GemmArgs g, long m, int rows, int n, int columns, Scratch scratch) {
    VectorMemory.clear(scratch.sums, (long) rows * SUMS / 4);
    long stride = g.type().bytes(g.k());
    long weight = g.weight() + n * stride;
    long x = g.x() + 4 * m * g.xStride();
    int whole = (int) VectorMemory.whole(g.k());
    if (g.scale() != 1) {
      widened(g, x, rows, weight, columns, whole, scratch);
    } else {
      stored(g, x, rows, weight, columns, whole, scratch);
    }
    for (int r = 0; r < rows; r++) {
      finish(g, m + r, n, columns, scratch.sums + (long) r * SUMS, weight, stride, whole);
    }
  }

  /** Adds products with weights in their stored type to the sums. */
  private static void stored(
      GemmArgs g, long x, int rows, long weight, int columns, int whole, Scratch scratch) {
    long stride = g.type().bytes(g.k());
    switch (g.type()) {
      case F32, BF16 -> {
        for (int r = 0; r < rows; r++) {
          sideBySide(
              g.type(),
              scratch.sums + (long) r * SUMS,
              x + 4 * r * g.xStride(),
              weight,
              stride,
              columns - 1,
              whole);
        }
      }
      case F16, F8_E4M3, F8_E5M2, Q8_0, Q4_K, Q6_K -> {
        for (int i = 0; i < columns; i++) {
          row(g, x, rows, weight + i * stride, whole, scratch, i * BYTES);
        }
      }
      case Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q5_K, IQ4_NL, IQ4_XS ->
          widened(g, x, rows, weight, columns, whole, scratch);
    }
  }

  /** Four weight rows in one loop; rows beyond {@code last} repeat it. */
  private static void sideBySide(
      ElementType type, long sums, long x, long weight, long stride, int last, int k) {
    long w1 = weight + Math.min(1, last) * stride;
    long w2 = weight + Math.min(2, last) * stride;
    long w3 = weight + Math.min(3, last) * stride;
    if (type == ElementType.F32) {
      VectorDot.f32(sums, x, weight, w1, w2, w3, k);
    } else {
      VectorDot.bf16(sums, x, weight, w1, w2, w3, k);
    }
  }

  /** One weight row and all rows of x. */
  private static void row(
      GemmArgs g, long x, int rows, long weight, int whole, Scratch scratch, int column) {
    ElementType type = g.type();
    if (VectorDotBlocks.hasFactors(type)) {
      VectorDotBlocks.factors(type, scratch.factors, scratch.scaled, weight, g.k(), scratch.bytes);
    }
    for (int r = 0; r < rows; r++) {
      long sums = scratch.sums + (long) r * SUMS + column;
      long from = x + 4 * r * g.xStride();
      if (VectorDotBlocks.hasFactors(type)) {
        long groupSums = scratch.groupSums + r * VectorDotBlocks.factorBytes(g.k());
        VectorDotBlocks.minima(type, sums, groupSums, weight, scratch.factors, g.k());
      }
      switch (type) {
        case F16 -> VectorDot.f16(sums, from, weight, whole);
        case F8_E4M3 -> VectorDot.e4m3(sums, from, weight, whole);
        case F8_E5M2 -> VectorDot.e5m2(sums, from, weight, whole);
        case Q8_0 -> VectorDotBlocks.q8(sums, from, weight, whole);
        case Q4_K -> VectorDotBlocks.q4k(sums, from, weight, scratch.scaled, whole);
        case Q6_K -> {
          for (int side = 0; side < 2; side++) {
            VectorDotBlocks.q6k(sums, from, weight, scratch.scaled, whole, side);
          }
        }
        default -> throw new AssertionError(type);
      }
    }
  }

  /**
   * Types without a dot product of their own, and weights with a scale: pieces of four weight rows
   * are widened in L1.
   */
  private static void widened(
      GemmArgs g, long x, int rows, long weight, int columns, int whole, Scratch scratch) {
    ElementType type = g.type();
    long stride = type.bytes(g.k());
    for (int k = 0; k < whole; k += PIECE) {
      int length = Math.min(PIECE, whole - k);
      for (int i = 0; i < columns; i++) {
        long from = weight + i * stride + type.bytes(k);
        VectorWiden.widen(scratch.pieces + 4L * PIECE * i, from, type, g.scale(), length);
      }
      for (int r = 0; r < rows; r++) {
        sideBySide(
            ElementType.F32,
            scratch.sums + (long) r * SUMS,
            x + 4 * (r * g.xStride() + k),
            scratch.pieces,
            4L * PIECE,
            columns - 1,
            length);
      }
    }
  }

  /** Folds the lanes, adds what lies beyond the last whole vector, then the bias. */
  private static void finish(
      GemmArgs g, long m, int n, int columns, long sums, long weight, long stride, int whole) {
    long x = g.x() + 4 * m * g.xStride();
    for (int i = 0; i < columns; i++) {
      float sum = VectorMath.sum(load(sums + (long) i * BYTES));
      for (int k = whole; k < g.k(); k++) {
        sum = Math.fma(Raw.get(x, k), g.weight(weight + i * stride, k), sum);
      }
      float bias = g.bias() == 0 ? 0 : Raw.get(g.bias(), n + i);
      Raw.set(g.out(), m * g.outStride() + n + i, sum + bias);
    }
  }
}
