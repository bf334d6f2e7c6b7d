package inkstone.bench;

import inkstone.kernel.ScalarKernels;
import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;

/** Memory, threads and random numbers of one benchmark, and the check of its result. */
final class Workbench implements AutoCloseable {
  /** An op on the given compute that fills {@code out}. */
  @FunctionalInterface
  interface Op {
    void run(Compute compute, Tensor out);
  }

  private final TensorArena arena = TensorArena.open("bench");
  private final Compute compute;
  private final SplittableRandom random = new SplittableRandom(1);

  Workbench(int threads) {
    compute = Compute.open(threads);
  }

  Compute compute() {
    return compute;
  }

  TensorArena arena() {
    return arena;
  }

  Tensor zeros(long... dims) {
    return Tensor.f32(arena, "bench", dims);
  }

  Tensor random(long... dims) {
    return random(DType.F32, dims);
  }

  Tensor random(DType dtype, long... dims) {
    Tensor t = Tensor.allocate(arena, "bench", dtype, Shape.of(dims));
    switch (dtype) {
      case F32, BF16, F16 -> {
        for (long i = 0; i < t.elements(); i++) {
          t.setFloat(i, (float) random.nextDouble(-1, 1));
        }
      }
      default -> fillBlocks(t);
    }
    return t;
  }

  /** Random bytes with scales that keep the numbers near unit size. */
  private void fillBlocks(Tensor t) {
    byte[] block = new byte[t.dtype().blockBytes()];
    for (long at = 0; at < t.segment().byteSize(); at += block.length) {
      random.nextBytes(block);
      switch (t.dtype()) {
        case F8_E4M3, F8_E5M2 -> block[0] &= (byte) 0xbf; // below 2
        case Q8_0 -> setHalf(block, 0, 0x1p-7f);
        case Q4_0 -> setHalf(block, 0, 0x1p-3f);
        case Q4_1 -> {
          setHalf(block, 0, 0x1p-3f);
          setHalf(block, 2, -1);
        }
        case Q5_0 -> setHalf(block, 0, 0x1p-4f);
        case Q5_1 -> {
          setHalf(block, 0, 0x1p-4f);
          setHalf(block, 2, -1);
        }
        case Q2_K -> {
          setHalf(block, 80, 0x1p-4f);
          setHalf(block, 82, 0x1p-3f);
        }
        case Q3_K -> setHalf(block, 108, 0x1p-6f);
        case IQ4_NL -> setHalf(block, 0, 0x1p-7f);
        case IQ4_XS -> setHalf(block, 0, 0x1p-11f);
        case Q4_K, Q5_K -> {
          setHalf(block, 0, 0x1p-10f);
          setHalf(block, 2, 0x1p-6f);
        }
        case Q6_K -> setHalf(block, 208, 0x1p-12f);
        default ->
            throw new IllegalArgumentException(
                "bench: dtype, expected a weight's, got " + t.dtype() + "; choose another");
      }
      MemorySegment.copy(block, 0, t.segment(), ValueLayout.JAVA_BYTE, at, block.length);
    }
  }

  private static void setHalf(byte[] block, int at, float value) {
    short bits = Float.floatToFloat16(value);
    block[at] = (byte) bits;
    block[at + 1] = (byte) (bits >> 8);
  }

  /**
   * Runs a sample of the work on these kernels and on the scalar ones.
   *
   * @throws IllegalStateException when they differ by more than {@code tolerance} of the largest
   *     element
   */
  void check(Op sample, double tolerance, long... outDims) {
    Tensor actual = zeros(outDims);
    Tensor expected = zeros(outDims);
    sample.run(compute, actual);
    try (Compute scalar = Compute.open(1, new ScalarKernels())) {
      sample.run(scalar, expected);
    }
    double largest = 0;
    double error = 0;
    for (long i = 0; i < expected.elements(); i++) {
      largest = Math.max(largest, Math.abs(expected.getFloat(i)));
      error = Math.max(error, Math.abs(expected.getFloat(i) - actual.getFloat(i)));
    }
    if (!(error <= tolerance * largest)) {
      throw new IllegalStateException(
          "bench: result is wrong, expected an error up to "
              + tolerance
              + " of "
              + largest
              + ", got "
              + error
              + "; run the twin tests");
    }
  }

  @Override
  public void close() {
    compute.close();
    arena.close();
  }
}
