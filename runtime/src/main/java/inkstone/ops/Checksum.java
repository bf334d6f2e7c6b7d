package inkstone.ops;

import inkstone.kernel.Kernels;
import inkstone.tensor.Tensor;
import java.util.concurrent.atomic.AtomicInteger;

/** Reads a tensor once and does next to nothing else: its rate is the machine's read bandwidth. */
public final class Checksum {
  private static final String OP = "Checksum";

  /** Bytes; a multiple of a word, so that the split doesn't change the sum. */
  private static final int GRANULE = 1 << 16;

  private Checksum() {}

  /**
   * Sum of the 32-bit words of the tensor's memory, modulo 2³², as {@link Kernels#checksum}; the
   * same for any thread count and vector width.
   */
  public static int of(Compute c, Tensor t) {
    Check.notNull(OP, "tensor", t);
    Kernels kernels = c.kernels();
    long address = t.address();
    AtomicInteger sum = new AtomicInteger();
    c.forRange(
        t.segment().byteSize(),
        GRANULE,
        (_, from, to) -> sum.addAndGet(kernels.checksum(address + from, to - from)));
    return sum.get();
  }
}
