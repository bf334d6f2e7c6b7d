package inkstone.tensor;

/**
 * Element types as safetensors and GGUF name them. Arithmetic is always F32; the others are
 * storage. GGUF's quantised types come in blocks that share their scales: the last dimension of
 * such a tensor is a whole number of blocks.
 */
public enum DType {
  F64(1, 8),
  F32(1, 4),
  F16(1, 2),
  BF16(1, 2),
  F8_E4M3(1, 1),
  F8_E5M2(1, 1),
  I64(1, 8),
  I32(1, 4),
  I16(1, 2),
  I8(1, 1),
  U8(1, 1),
  BOOL(1, 1),
  Q8_0(32, 34),
  Q4_0(32, 18),
  Q5_0(32, 22),
  Q4_K(256, 144),
  Q5_K(256, 176),
  Q6_K(256, 210);

  private final int blockElements;
  private final int blockBytes;

  DType(int blockElements, int blockBytes) {
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
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
