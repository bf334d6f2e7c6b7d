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

  /** What the 16 codes of the non-linear 4-bit types stand for. */
  private static final byte[] NON_LINEAR = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113
  };

  private GgufBlock() {}

  /** The value, before any scale, of a code of {@link #iq4nl} and {@link #iq4xs}. */
  public static int nonLinear(int code) {
    return NON_LINEAR[code];
  }

  /** Of 32 in 34 bytes: an F16 scale, 32 signed bytes. */
  public static float q8(MemorySegment memory, long block, int i) {
    return half(memory, block) * memory.get(BYTE, block + 2 + i);
  }

  /** Of 32 in 18 bytes: an F16 scale, 16 bytes of nibbles that start at -8. */
  public static float q4(MemorySegment memory, long block, int i) {
    int q = nibble(memory, block + 2 + i % 16, i / 16);
    return half(memory, block) * (q - 8);
  }

  /** Of 32 in 20 bytes: F16 scale and minimum, 16 bytes of nibbles. */
  public static float q4m(MemorySegment memory, long block, int i) {
    int q = nibble(memory, block + 4 + i % 16, i / 16);
    return half(memory, block) * q + half(memory, block + 2);
  }

  /** Of 32 in 24 bytes: as {@link #q4m}, with 32 fifth bits before the nibbles. */
  public static float q5m(MemorySegment memory, long block, int i) {
    int fifth = memory.get(INT, block + 4) >>> i & 1;
    int q = nibble(memory, block + 8 + i % 16, i / 16) | fifth << 4;
    return half(memory, block) * q + half(memory, block + 2);
  }

  /** Of 32 in 18 bytes: an F16 scale, 16 bytes of nibbles that are {@link #nonLinear} codes. */
  public static float iq4nl(MemorySegment memory, long block, int i) {
    return half(memory, block) * NON_LINEAR[nibble(memory, block + 2 + i % 16, i / 16)];
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

  /**
   * Of 256 in 84 bytes: scale and minimum of 16 elements in a byte, four bits each; two bits an
   * element, 32 bytes for 128; F16 scales of scales and of minima.
   */
  public static float q2k(MemorySegment memory, long block, int i) {
    int both = memory.get(BYTE, block + i / 16);
    float scale = half(memory, block + 80) * (both & 15);
    float minimum = half(memory, block + 82) * (both >> 4 & 15);
    return scale * twoBits(memory, block + 16, i) - minimum;
  }

  /**
   * Of 256 in 110 bytes: 32 bytes of third bits, a bit a group of 32, of which 0 means -4; two bits
   * an element as in {@link #q2k}; 12 bytes of six-bit scales for 16 elements, from -32 on; the F16
   * scale of the scales.
   */
  public static float q3k(MemorySegment memory, long block, int i) {
    int third = memory.get(BYTE, block + i % 32) >> i / 32 & 1;
    int q = twoBits(memory, block + 32, i) - (third ^ 1) * 4;
    int group = i / 16;
    int low = nibble(memory, block + 96 + group % 8, group / 8);
    int high = memory.get(BYTE, block + 104 + group % 4) >> group / 4 * 2 & 3;
    return half(memory, block + 108) * ((low | high << 4) - 32) * q;
  }

  /**
   * Of 256 in 136 bytes: an F16 scale of scales; for 32 elements each the upper two bits of their
   * six-bit scale, 2 bytes, the lower four, 4 bytes, from -32 on; nibbles as in {@link #iq4nl}.
   */
  public static float iq4xs(MemorySegment memory, long block, int i) {
    int group = i / 32;
    int low = nibble(memory, block + 4 + group / 2, group % 2);
    int high = memory.get(SHORT, block + 2) >> group * 2 & 3;
    float scale = half(memory, block) * ((low | high << 4) - 32);
    return scale * NON_LINEAR[nibble(memory, block + 8 + group * 16 + i % 16, i / 16 % 2)];
  }

  /** Element of a run of 128 a time in 32 bytes, the first 32 in the lowest bits. */
  private static int twoBits(MemorySegment memory, long at, int i) {
    return memory.get(BYTE, at + i / 128 * 32 + i % 32) >> i / 32 % 4 * 2 & 3;
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
