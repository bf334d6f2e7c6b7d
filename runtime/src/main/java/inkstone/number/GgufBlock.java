package inkstone.number;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * One element of a quantised block as GGUF stores it, with the arithmetic of gguf-py's {@code
 * dequantize}: each product and difference rounded to F32. {@code block} is where the block starts
 * in {@code memory}, {@code i} the element inside it.
 */
public final class GgufBlock {
  private static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private GgufBlock() {}

  /** Of 32 in 34 bytes: an F16 scale, 32 signed bytes. */
  public static float q8(MemorySegment memory, long block, int i) {
    return half(memory, block) * memory.get(BYTE, block + 2 + i);
  }

  /** Of 32 in 18 bytes: an F16 scale, 16 bytes of nibbles that start at -8. */
  public static float q4(MemorySegment memory, long block, int i) {
    int q = nibble(memory, block + 2 + i % 16, i / 16);
    return half(memory, block) * (q - 8);
  }

  /** Of 32 in 22 bytes: an F16 scale, 32 fifth bits, 16 bytes of nibbles; they start at -16. */
  public static float q5(MemorySegment memory, long block, int i) {
    int fifth = memory.get(INT, block + 2) >>> i & 1;
    int q = nibble(memory, block + 6 + i % 16, i / 16) | fifth << 4;
    return half(memory, block) * (q - 16);
  }

  /**
   * Of 256 in 144 bytes: F16 scales of scales and of minima, 12 bytes of both for groups of 32
   * elements, and nibbles, 32 bytes for two groups.
   */
  public static float q4k(MemorySegment memory, long block, int i) {
    int q = nibble(memory, block + 16 + i / 64 * 32 + i % 32, i / 32 % 2);
    return scale(memory, block, i / 32) * q - minimum(memory, block, i / 32);
  }

  /** Of 256 in 176 bytes: as {@link #q4k}, with 32 bytes of fifth bits, a bit a group. */
  public static float q5k(MemorySegment memory, long block, int i) {
    int fifth = memory.get(BYTE, block + 16 + i % 32) >> i / 32 & 1;
    int q = nibble(memory, block + 48 + i / 64 * 32 + i % 32, i / 32 % 2) | fifth << 4;
    return scale(memory, block, i / 32) * q - minimum(memory, block, i / 32);
  }

  /**
   * Of 256 in 210 bytes: the lower four bits, 64 bytes for 128 elements; the upper two, 32 bytes
   * for as many; a signed scale for 16 elements; and the F16 scale of the scales. They start at
   * -32.
   */
  public static float q6k(MemorySegment memory, long block, int i) {
    int half = i / 128;
    int low = nibble(memory, block + half * 64 + i % 64, i / 64 % 2);
    int high = memory.get(BYTE, block + 128 + half * 32 + i % 32) >> i / 32 % 4 * 2 & 3;
    float scale = half(memory, block + 208) * memory.get(BYTE, block + 192 + i / 16);
    return scale * ((low | high << 4) - 32);
  }

  private static float half(MemorySegment memory, long at) {
    return Float.float16ToFloat(memory.get(SHORT, at));
  }

  /** The lower (0) or the upper (1) four bits of a byte. */
  private static int nibble(MemorySegment memory, long at, int upper) {
    return memory.get(BYTE, at) >> 4 * upper & 15;
  }

  /** Scale of a group: six bits, for the groups from 4 on in two pieces. */
  private static float scale(MemorySegment memory, long block, int group) {
    long at = block + 4 + group % 4;
    int bits = memory.get(BYTE, at);
    int six = group < 4 ? bits & 63 : memory.get(BYTE, at + 8) & 15 | bits >> 2 & 48;
    return half(memory, block) * six;
  }

  /** Minimum of a group, stored as its scale is. */
  private static float minimum(MemorySegment memory, long block, int group) {
    long at = block + 8 + group % 4;
    int bits = memory.get(BYTE, at);
    int six = group < 4 ? bits & 63 : memory.get(BYTE, at + 4) >> 4 & 15 | bits >> 2 & 48;
    return half(memory, block + 2) * six;
  }
}
