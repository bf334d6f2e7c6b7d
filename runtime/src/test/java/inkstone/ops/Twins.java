package inkstone.ops;

import inkstone.kernel.ScalarKernels;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Runs one op on the scalar truth and on the vector twin and compares. */
final class Twins implements AutoCloseable {
  /** An op that fills {@code out}. */
  interface Op {
    void run(Compute c, Tensor out);
  }

  /** An op on rows. */
  interface RowsOp {
    void run(Compute c, Tensor out, Tensor rows);
  }

  private final TensorArena arena = TensorArena.open("twins");
  private final Compute scalar = Compute.open(1, new ScalarKernels());
  private final Compute vector = Compute.open(2);
  private final SplittableRandom random = new SplittableRandom(42);

  Twins() {
    String bits = System.getProperty("inkstone.vector.bits", "");
    String description = vector.describe();
    if (!description.contains("vector") || !description.contains(bits)) {
      throw new AssertionError("twin tests need vector kernels " + bits + ", got " + description);
    }
  }

  TensorArena arena() {
    return arena;
  }

  Compute vector() {
    return vector;
  }

  /** Numbers of about unit size. */
  Tensor random(long... dims) {
    return random(DType.F32, dims);
  }

  Tensor random(DType dtype, long... dims) {
    Tensor t = Tensor.allocate(arena, "random", dtype, Shape.of(dims));
    for (long i = 0; i < t.elements(); i++) {
      t.setFloat(i, (float) random.nextGaussian());
    }
    return t;
  }

  /** A copy, for ops that work in place. */
  Tensor copy(Tensor t) {
    Tensor copy = Tensor.f32(arena, t.name(), t.shape().toArray());
    copy.copyFrom(t);
    return copy;
  }

  /** Largest error at most {@code tolerance} of the root mean square. */
  void assertClose(String what, Op op, double tolerance, long... outDims) {
    TensorAssert.assertRel(what, run(scalar, op, outDims), run(vector, op, outDims), tolerance);
  }

  /** Equal bits. */
  void assertBits(String what, Op op, long... outDims) {
    TensorAssert.assertBits(what, run(scalar, op, outDims), run(vector, op, outDims));
  }

  /** All rows together and each alone, by 1, 2 and 5 threads, have the bits of {@code whole}. */
  void assertRowsAlone(float[] whole, RowsOp op, Tensor x, int n) {
    int m = (int) x.dim(0);
    for (int threads : new int[] {1, 2, 5}) {
      try (Compute c = Compute.open(threads)) {
        float[] all = run(c, (compute, out) -> op.run(compute, out, x), m, n);
        TensorAssert.assertBits(threads + " threads", whole, all);
        for (int from = 0; from < m; from++) {
          Tensor row = x.rows(from, from + 1);
          float[] alone = run(c, (compute, out) -> op.run(compute, out, row), 1, n);
          TensorAssert.assertBits(
              "row " + from, Arrays.copyOfRange(whole, from * n, from * n + n), alone);
        }
      }
    }
  }

  float[] run(Compute c, Op op, long... outDims) {
    Tensor out = Tensor.f32(arena, "out", outDims);
    float[] poison = new float[(int) out.elements()];
    Arrays.fill(poison, Float.NaN); // what an op leaves unwritten fails the comparison
    out.copyFrom(poison);
    op.run(c, out);
    return out.toFloatArray();
  }

  @Override
  public void close() {
    scalar.close();
    vector.close();
    arena.close();
  }
}
