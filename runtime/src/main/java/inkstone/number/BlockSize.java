package inkstone.number;

/**
 * How many numbers a storage format keeps together, and in how many bytes. GGUF's quantised types
 * share scales among the numbers of a block; everywhere else each number stands for itself.
 *
 * @param elements numbers of a block, a power of two
 * @param bytes bytes of a block
 */
public record BlockSize(int elements, int bytes) {
  public static final BlockSize Q8_0 = new BlockSize(32, 34);
  public static final BlockSize Q4_0 = new BlockSize(32, 18);
  public static final BlockSize Q4_1 = new BlockSize(32, 20);
  public static final BlockSize Q5_0 = new BlockSize(32, 22);
  public static final BlockSize Q5_1 = new BlockSize(32, 24);
  public static final BlockSize Q2_K = new BlockSize(256, 84);
  public static final BlockSize Q3_K = new BlockSize(256, 110);
  public static final BlockSize Q4_K = new BlockSize(256, 144);
  public static final BlockSize Q5_K = new BlockSize(256, 176);
  public static final BlockSize Q6_K = new BlockSize(256, 210);
  public static final BlockSize IQ4_NL = new BlockSize(32, 18);
  public static final BlockSize IQ4_XS = new BlockSize(256, 136);

  /** Of a format whose numbers have {@code bytes} each. */
  public static BlockSize each(int bytes) {
    return new BlockSize(1, bytes);
  }
}
