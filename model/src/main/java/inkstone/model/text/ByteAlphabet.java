package inkstone.model.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/**
 * The 256 printable characters that stand for bytes in the vocabulary of a byte-level tokenizer:
 * printable Latin-1 for itself, the other bytes from U+0100 upwards.
 */
final class ByteAlphabet {
  private static final char[] TO_CHAR = new char[256];
  private static final short[] TO_BYTE = new short[512];

  static {
    Arrays.fill(TO_BYTE, (short) -1);
    int moved = 256;
    for (int b = 0; b < 256; b++) {
      boolean kept = (b >= '!' && b <= '~') || (b >= 0xa1 && b <= 0xac) || b >= 0xae;
      TO_CHAR[b] = (char) (kept ? b : moved++);
      TO_BYTE[TO_CHAR[b]] = (short) b;
    }
  }

  private ByteAlphabet() {}

  static char toChar(int unsignedByte) {
    return TO_CHAR[unsignedByte];
  }

  /** The bytes that a token stands for; a token with any other character stands for its UTF-8. */
  static byte[] bytes(String token) {
    byte[] bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= TO_BYTE.length || TO_BYTE[c] < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) TO_BYTE[c];
    }
    return bytes;
  }
}
