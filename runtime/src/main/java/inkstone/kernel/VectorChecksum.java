package inkstone.kernel;

import inkstone.memory.AddressSpace;
import java.nio.ByteOrder;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;

/** Reads memory as fast as it comes: whole vectors into four accumulators, nothing else to do. */
final class VectorChecksum {
  private static final int BYTES = VectorShapes.BYTES;

  /** Bytes of one step of the loop. */
  private static final int STEP = 4 * BYTES;

  /** Steps whose number an {@code int} holds; a counted loop is the faster one. */
  private static final int MOST_STEPS = 1 << 20;

  private VectorChecksum() {}

  /** As {@link Kernels#checksum}. */
  static int checksum(long address, long bytes) {
    int sum = 0;
    long whole = bytes / STEP;
    for (long step = 0; step < whole; step += MOST_STEPS) {
      sum += steps(address + step * STEP, (int) Math.min(MOST_STEPS, whole - step));
    }
    return sum + ScalarChecksum.checksum(address + whole * STEP, bytes - whole * STEP);
  }

  /** Addition of integers wraps, so that the order of the lanes doesn't matter. */
  private static int steps(long address, int steps) {
    IntVector s0 = IntVector.zero(VectorShapes.INTS);
    IntVector s1 = s0;
    IntVector s2 = s0;
    IntVector s3 = s0;
    for (int i = 0; i < steps; i++) {
      long from = address + (long) i * STEP;
      s0 = s0.add(load(from));
      s1 = s1.add(load(from + BYTES));
      s2 = s2.add(load(from + 2 * BYTES));
      s3 = s3.add(load(from + 3 * BYTES));
    }
    return s0.add(s1).add(s2.add(s3)).reduceLanes(VectorOperators.ADD);
  }

  private static IntVector load(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, BYTES);
    }
    return IntVector.fromMemorySegment(
        VectorShapes.INTS, AddressSpace.ALL, address, ByteOrder.LITTLE_ENDIAN);
  }
}
