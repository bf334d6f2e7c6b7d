package inkstone.kernel;

import inkstone.number.BlockSize;

/**
 * Storage of numbers that a kernel can read; arithmetic is always F32. Quantised types come in
 * blocks that share their scales: runs of them start at a block and have a whole number of blocks.
 */
public enum ElementType {
  F32(BlockSize.each(4)),
  BF16(BlockSize.each(2)),
  F16(BlockSize.each(2)),
  F8_E4M3(BlockSize.each(1)),
  F8_E5M2(BlockSize.each(1)),
  Q8_0(BlockSize.Q8_0),
  Q4_0(BlockSize.Q4_0),
  Q4_1(BlockSize.Q4_1),
  Q5_0(BlockSize.Q5_0),
  Q5_1(BlockSize.Q5_1),
  Q2_K(BlockSize.Q2_K),
  Q3_K(BlockSize.Q3_K),
  Q4_K(BlockSize.Q4_K),
  Q5_K(BlockSize.Q5_K),
  Q6_K(BlockSize.Q6_K),
  IQ4_NL(BlockSize.IQ4_NL),
  IQ4_XS(BlockSize.IQ4_XS);

  private final int blockElements;
  private final int blockBytes;

  ElementType(BlockSize block) {
    this.blockElements = block.elements();
    this.blockBytes = block.bytes();
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
