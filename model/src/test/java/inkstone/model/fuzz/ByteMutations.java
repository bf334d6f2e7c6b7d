package inkstone.model.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.SplittableRandom;

/** Changes that work on any file: bits, bytes, blocks, whole numbers, length. */
final class ByteMutations {
  /** Mutants stay below this, so that a run has a bound. */
  static final int MAX_BYTES = 4 << 20;

  private static final long[] INTERESTING = {
    0,
    1,
    -1,
    2,
    7,
    31,
    32,
    64,
    127,
    128,
    255,
    256,
    65_535,
    65_536,
    Integer.MAX_VALUE,
    Integer.MIN_VALUE,
    1L << 31,
    (1L << 32) - 1,
    1L << 32,
    (1L << 32) + 1,
    1L << 40,
    1L << 60,
    1L << 61,
    1L << 62,
    Long.MAX_VALUE,
    Long.MAX_VALUE - 7,
    Long.MIN_VALUE
  };

  private ByteMutations() {}

  /** One change somewhere. */
  static byte[] change(byte[] bytes, SplittableRandom random) {
    if (bytes.length == 0) {
      return new byte[] {(byte) random.nextInt(256)};
    }
    // Headers are at the start: half of all changes fall into the first 256 bytes.
    int reach = random.nextBoolean() ? Math.min(256, bytes.length) : bytes.length;
    int at = random.nextInt(reach);
    int length = 1 + random.nextInt(random.nextBoolean() ? 8 : 512);
    return switch (random.nextInt(9)) {
      case 0 -> {
        byte[] out = bytes.clone();
        out[at] ^= (byte) (1 << random.nextInt(8));
        yield out;
      }
      case 1 -> {
        byte[] out = bytes.clone();
        out[at] = (byte) random.nextInt(256);
        yield out;
      }
      case 2 -> Arrays.copyOf(bytes, at);
      case 3 -> splice(bytes, at, length, new byte[0]);
      case 4 -> {
        byte[] noise = new byte[length];
        random.nextBytes(noise);
        yield splice(bytes, at, random.nextBoolean() ? length : 0, noise);
      }
      case 5 -> {
        byte[] block = Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + length));
        yield splice(bytes, random.nextInt(bytes.length + 1), 0, block);
      }
      case 6 -> Arrays.copyOf(bytes, bytes.length + length);
      case 7 -> {
        byte[] out = bytes.clone();
        Arrays.fill(out, at, Math.min(out.length, at + length), (byte) random.nextInt(256));
        yield out;
      }
      default -> number(bytes, at, 1 << random.nextInt(4), random);
    };
  }

  /** Puts an interesting little-endian number of {@code width} bytes at {@code at}. */
  static byte[] number(byte[] bytes, int at, int width, SplittableRandom random) {
    byte[] wide = Arrays.copyOf(bytes, Math.max(bytes.length, at + width) + 8);
    ByteBuffer buffer = ByteBuffer.wrap(wide).order(ByteOrder.LITTLE_ENDIAN);
    long old = buffer.getLong(at);
    long value =
        switch (random.nextInt(6)) {
          case 0 -> old + 1;
          case 1 -> old - 1;
          case 2 -> old << 1;
          case 3 -> random.nextInt(64);
          default -> INTERESTING[random.nextInt(INTERESTING.length)];
        };
    for (int i = 0; i < width; i++) {
      wide[at + i] = (byte) (value >>> 8 * i);
    }
    return Arrays.copyOf(wide, Math.max(bytes.length, at + width));
  }

  private static byte[] splice(byte[] bytes, int at, int drop, byte[] insert) {
    int tail = Math.min(bytes.length, at + drop);
    byte[] out = Arrays.copyOf(bytes, at + insert.length + bytes.length - tail);
    System.arraycopy(insert, 0, out, at, insert.length);
    System.arraycopy(bytes, tail, out, at + insert.length, bytes.length - tail);
    return out;
  }
}
