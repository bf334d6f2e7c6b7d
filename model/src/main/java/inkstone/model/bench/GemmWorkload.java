package inkstone.model.bench;

import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;

/** A linear layer with bias, by the op for many rows or by that for few. */
final class GemmWorkload implements Workload {
  /** {@code Linear.forward} or {@code Gemv.forward}. */
  @FunctionalInterface
  interface Op {
    void forward(Compute c, Tensor out, Tensor x, Tensor weight, Tensor bias);
  }

  private static final int SAMPLE_ROWS = 3;
  private static final int SAMPLE_COLUMNS = 70;

  private final TensorArena arena = TensorArena.open("bench gemm");
  private final Compute compute;
  private final Op op;
  private final Tensor x;
  private final Tensor weight;
  private final Tensor bias;
  private final Tensor out;

  GemmWorkload(Compute compute, Op op, int m, int n, int k, DType dtype) {
    if (k % dtype.blockElements() != 0) {
      arena.close();
      throw new IllegalArgumentException(
          "bench: size k for "
              + dtype
              + ", expected a multiple of its block of "
              + dtype.blockElements()
              + ", got "
              + k
              + "; give another k or type");
    }
    this.compute = compute;
    this.op = op;
    x = RandomValues.fill(Tensor.f32(arena, "x", m, k), 1, 1);
    weight =
        RandomValues.fill(
            Tensor.allocate(arena, "weight", dtype, Shape.of(n, k)), Math.sqrt(3.0 / k), 2);
    bias = RandomValues.fill(Tensor.f32(arena, "bias", n), 1, 3);
    out = Tensor.f32(arena, "out", m, n);
  }

  @Override
  public double run() {
    return Workload.seconds(() -> op.forward(compute, out, x, weight, bias));
  }

  @Override
  public void check() {
    long m = x.dim(0);
    long n = weight.dim(0);
    sample(0, Math.min(m, SAMPLE_ROWS), 0, Math.min(n, SAMPLE_COLUMNS));
    sample(Math.max(0, m - SAMPLE_ROWS), m, Math.max(0, n - SAMPLE_COLUMNS), n);
  }

  private void sample(long rowFrom, long rowTo, long columnFrom, long columnTo) {
    long columns = columnTo - columnFrom;
    try (TensorArena own = arena.child("sample");
        Compute scalar = Compute.scalar()) {
      Tensor expected = Tensor.f32(own, "expected", rowTo - rowFrom, columns);
      Tensor actual = Tensor.f32(own, "actual", rowTo - rowFrom, columns);
      op.forward(
          scalar,
          expected,
          x.rows(rowFrom, rowTo),
          weight.rows(columnFrom, columnTo),
          bias.rows(columnFrom, columnTo));
      for (long row = rowFrom; row < rowTo; row++) {
        for (long column = 0; column < columns; column++) {
          actual.setFloat(
              (row - rowFrom) * columns + column,
              out.getFloat(row * out.dim(1) + columnFrom + column));
        }
      }
      Results.requireClose("gemm " + weight.dtype(), expected, actual, 1e-5);
    }
  }

  @Override
  public double flop() {
    return 2.0 * x.dim(0) * x.dim(1) * weight.dim(0);
  }

  @Override
  public double bytes() {
    return (double) weight.segment().byteSize()
        + x.segment().byteSize()
        + out.segment().byteSize()
        + bias.segment().byteSize();
  }

  @Override
  public void close() {
    arena.close();
  }
}
