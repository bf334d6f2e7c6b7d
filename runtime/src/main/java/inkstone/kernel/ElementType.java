package inkstone.kernel;

/**
 * Storage of numbers that a kernel can read; arithmetic is always F32. Quantised types come in
 * blocks that share their scales: runs of them start at a block and have a whole number of blocks.
 */
public enum ElementType {
  F32(1, 4),
  BF16(1, 2),
  F16(1, 2),
  F8_E4M3(1, 1),
  F8_E5M2(1, 1),
  Q8_0(32, 34),
  Q4_0(32, 18),
  Q5_0(32, 22),
  Q4_K(256, 144),
  Q5_K(256, 176),
  Q6_K(256, 210);

  private final int blockElements;
  private final int blockBytes;

  ElementType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  /** Elements of one block, a power of two; 1 where each element stands for itself. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Bytes of {@code n} elements, a multiple of {@link #blockElements}. */
  public long bytes(long n) {
    return n / blockElements * blockBytes;
  }
}
