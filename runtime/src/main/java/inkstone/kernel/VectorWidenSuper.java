package inkstone.kernel;

import static inkstone.kernel.VectorBytes.affine;
import static inkstone.kernel.VectorBytes.all;
import static inkstone.kernel.VectorBytes.keep;
import static inkstone.kernel.VectorBytes.left;
import static inkstone.kernel.VectorBytes.load;
import static inkstone.kernel.VectorBytes.lower;
import static inkstone.kernel.VectorBytes.nonLinear;
import static inkstone.kernel.VectorBytes.right;
import static inkstone.kernel.VectorBytes.rotated;
import static inkstone.kernel.VectorBytes.scaled;
import static inkstone.kernel.VectorBytes.upper;

import jdk.incubator.vector.ByteVector;

/**
 * Super-blocks of 256 to F32, as {@link VectorWidenBlocks} does with blocks of 32: their groups
 * have scales of their own, small integers that the F16 scale of the block multiplies.
 */
final class VectorWidenSuper {
  private static final ByteVector THREE = all(3);
  private static final ByteVector FOUR = all(4);
  private static final ByteVector BIT_4 = all(16);
  private static final ByteVector BITS_4_5 = all(48);
  private static final ByteVector THIRTY_TWO = all(32);
  private static final long NIBBLES = 0x0f0f0f0f0f0f0f0fL;

  private VectorWidenSuper() {}

  static void q2k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 84L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 64; i += 16) {
        ByteVector q = load(at + 16 + i);
        long bytes = floats + 768 + i / 32 * 128 + i % 32;
        keep(q.and(THREE), bytes);
        keep(right(q, 2).and(THREE), bytes + 32);
        keep(right(q, 4).and(THREE), bytes + 64);
        keep(right(q, 6).and(THREE), bytes + 96);
      }
      float scale = Raw.half(at + 80);
      float minimum = Raw.half(at + 82);
      for (int g = 0; g < 16; g++) {
        int both = Raw.getByte(at + g);
        affine(
            floats + 64 * g,
            floats + 768 + 16 * g,
            16,
            scale * (both & 15),
            minimum * (both >> 4 & 15));
      }
    }
  }

  /** A short loop: with the shifts written out, C2's budget of nodes ends before its vectors do. */
  static void q3k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 110L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 256; i += 16) {
        int group = i / 32;
        ByteVector q = right(load(at + 32 + i / 128 * 32 + i % 32), group % 4 * 2);
        ByteVector third = rotated(load(at + i % 32), group - 2);
        keep(q.and(THREE).or(third.and(FOUR)).sub(FOUR), floats + 768 + i);
      }
      float scale = Raw.half(at + 108);
      long low = Raw.getLong(at + 96);
      int high = Raw.getInt(at + 104);
      long first = low & NIBBLES | pairs(high) << 4;
      long last = low >>> 4 & NIBBLES | pairs(high >>> 4) << 4;
      for (int g = 0; g < 16; g++) {
        int six = (int) ((g < 8 ? first : last) >>> 8 * (g & 7)) & 63;
        scaled(floats + 64 * g, floats + 768 + 16 * g, 16, scale * (six - 32));
      }
    }
  }

  /** The lowest two bits of four bytes, and then the two above them: a byte each. */
  private static long pairs(int bytes) {
    return bytes & 0x03030303 | (long) (bytes >>> 2 & 0x03030303) << 32;
  }

  static void q4k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 144L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 128; i += 16) {
        ByteVector q = load(at + 16 + i);
        long bytes = floats + 768 + i / 32 * 64 + i % 32;
        keep(lower(q), bytes);
        keep(upper(q), bytes + 32);
      }
      groups(floats, at);
    }
  }

  static void q5k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 176L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 128; i += 16) {
        ByteVector q = load(at + 48 + i);
        ByteVector fifths = right(load(at + 16 + i % 32), i / 32 * 2);
        long bytes = floats + 768 + i / 32 * 64 + i % 32;
        keep(lower(q).or(left(fifths, 4).and(BIT_4)), bytes);
        keep(upper(q).or(left(fifths, 3).and(BIT_4)), bytes + 32);
      }
      groups(floats, at);
    }
  }

  static void q6k(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 210L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 128; i += 16) {
        int half = i / 64;
        ByteVector q = load(at + i);
        ByteVector upper = right(load(at + 128 + 32 * half + i % 32), i / 32 % 2 * 2);
        long bytes = floats + 768 + 64 * half + i;
        keep(lower(q).or(left(upper, 4).and(BITS_4_5)).sub(THIRTY_TWO), bytes);
        keep(upper(q).or(upper.and(BITS_4_5)).sub(THIRTY_TWO), bytes + 64);
      }
      float scale = Raw.half(at + 208);
      for (int g = 0; g < 16; g++) {
        scaled(floats + 64 * g, floats + 768 + 16 * g, 16, scale * Raw.getByte(at + 192 + g));
      }
    }
  }

  static void iq4xs(long to, long from, int n) {
    for (int block = 0; block < n / 256; block++) {
      long at = from + 136L * block;
      long floats = to + 1024L * block;
      for (int i = 0; i < 128; i += 16) {
        ByteVector q = load(at + 8 + i);
        keep(nonLinear(lower(q)), floats + 768 + 2 * i);
        keep(nonLinear(upper(q)), floats + 784 + 2 * i);
      }
      float scale = Raw.half(at);
      int high = Raw.getInt(at) >>> 16;
      int low = Raw.getInt(at + 4);
      for (int g = 0; g < 8; g++) {
        int six = low >>> 4 * g & 15 | (high >>> 2 * g & 3) << 4;
        scaled(floats + 128L * g, floats + 768 + 32L * g, 32, scale * (six - 32));
      }
    }
  }

  /** The eight groups of a super-block with scales and minima. */
  private static void groups(long floats, long block) {
    float scale = Raw.half(block);
    float minimum = Raw.half(block + 2);
    long scales = scales(block);
    long minima = minima(block);
    for (int g = 0; g < 8; g++) {
      affine(
          floats + 128L * g,
          floats + 768 + 32L * g,
          32,
          scale * (scales >>> 8 * g & 63),
          minimum * (minima >>> 8 * g & 63));
    }
  }

  /** The eight 6-bit scales of a super-block of Q4_K or Q5_K, a byte each. */
  static long scales(long block) {
    return eight(Raw.getInt(block + 4), Raw.getInt(block + 12));
  }

  /** The eight 6-bit minima of a super-block of Q4_K or Q5_K, a byte each. */
  static long minima(long block) {
    return eight(Raw.getInt(block + 8), Raw.getInt(block + 12) >>> 4);
  }

  /** Eight 6-bit numbers, a byte each: four in one piece, four in two. */
  private static long eight(int first, int rest) {
    int last = rest & 0x0f0f0f0f | first >>> 2 & 0x30303030;
    return first & 0x3f3f3f3f | (long) last << 32;
  }
}
