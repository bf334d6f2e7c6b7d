package inkstone.tensor;

import inkstone.number.BlockSize;

/**
 * Element types as safetensors and GGUF name them. Arithmetic is always F32; the others are
 * storage. GGUF's quantised types come in blocks that share their scales: the last dimension of
 * such a tensor is a whole number of blocks.
 */
public enum DType {
  F64(BlockSize.each(8)),
  F32(BlockSize.each(4)),
  F16(BlockSize.each(2)),
  BF16(BlockSize.each(2)),
  F8_E4M3(BlockSize.each(1)),
  F8_E5M2(BlockSize.each(1)),
  I64(BlockSize.each(8)),
  I32(BlockSize.each(4)),
  I16(BlockSize.each(2)),
  I8(BlockSize.each(1)),
  U8(BlockSize.each(1)),
  BOOL(BlockSize.each(1)),
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

  DType(BlockSize block) {
    this.blockElements = block.elements();
    this.blockBytes = block.bytes();
  }

  /** Elements of one block; 1 where each element stands for itself. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /**
   * Bytes of {@code n} elements.
   *
   * @throws IllegalArgumentException when {@code n} is not a whole number of blocks
   * @throws ArithmeticException when they exceed a {@code long}
   */
  public long bytes(long n) {
    if (n % blockElements != 0) {
      throw new IllegalArgumentException(
          "DType.bytes: elements of "
              + this
              + ", expected a multiple of its block of "
              + blockElements
              + ", got "
              + n
              + "; cut at a block");
    }
    return Math.multiplyExact(n / blockElements, (long) blockBytes);
  }
}
