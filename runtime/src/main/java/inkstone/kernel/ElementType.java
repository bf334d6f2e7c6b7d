package inkstone.kernel;

/** Storage of numbers that a kernel can read; arithmetic is always F32. */
public enum ElementType {
  F32(4),
  BF16(2),
  F16(2);

  private final int bytes;

  ElementType(int bytes) {
    this.bytes = bytes;
  }

  /** Bytes of one element. */
  public int bytes() {
    return bytes;
  }
}
