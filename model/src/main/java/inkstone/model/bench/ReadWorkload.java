package inkstone.model.bench;

import inkstone.memory.TensorArena;
import inkstone.ops.Checksum;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;

/** Reads memory and adds it up: how fast bytes arrive. */
final class ReadWorkload implements Workload {
  private static final long MEGABYTE = 1_000_000;

  private final TensorArena arena = TensorArena.open("bench read");
  private final Compute compute;
  private final Tensor memory;
  private int sum;

  ReadWorkload(Compute compute, int megabytes) {
    this.compute = compute;
    memory =
        RandomValues.fill(Tensor.f32(arena, "memory", megabytes * MEGABYTE / Float.BYTES), 1, 1);
  }

  @Override
  public double run() {
    return Workload.seconds(() -> sum = Checksum.of(compute, memory));
  }

  @Override
  public void check() {
    try (Compute scalar = Compute.scalar()) {
      int expected = Checksum.of(scalar, memory);
      if (sum != expected) {
        throw Results.wrong("sum of the memory's words", String.valueOf(expected), sum);
      }
    }
  }

  /** Additions of integers, which are none. */
  @Override
  public double flop() {
    return 0;
  }

  @Override
  public double bytes() {
    return memory.segment().byteSize();
  }

  @Override
  public void close() {
    arena.close();
  }
}
