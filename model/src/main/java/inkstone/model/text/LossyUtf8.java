package inkstone.model.text;

/**
 * UTF-8 that may be broken: each longest start of a valid sequence becomes one U+FFFD, as does each
 * byte that starts none. {@link String}'s own decoder takes some of them together.
 */
final class LossyUtf8 {
  private static final char REPLACEMENT = '\ufffd';

  private LossyUtf8() {}

  static String decode(byte[] bytes) {
    StringBuilder out = new StringBuilder(bytes.length);
    int i = 0;
    while (i < bytes.length) {
      int first = bytes[i++] & 0xff;
      if (first < 0x80) {
        out.append((char) first);
        continue;
      }
      int more = first < 0xc2 || first > 0xf4 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
      int codePoint = first & (0x3f >> more);
      int taken = 0;
      while (taken < more && i < bytes.length && continues(first, taken, bytes[i] & 0xff)) {
        codePoint = (codePoint << 6) | (bytes[i++] & 0x3f);
        taken++;
      }
      if (more > 0 && taken == more) {
        out.appendCodePoint(codePoint);
      } else {
        out.append(REPLACEMENT);
      }
    }
    return out.toString();
  }

  /** Whether a byte may follow {@code first} and {@code taken} more; the second is restricted. */
  private static boolean continues(int first, int taken, int b) {
    int low = 0x80;
    int high = 0xbf;
    if (taken == 0) {
      switch (first) {
        case 0xe0 -> low = 0xa0;
        case 0xed -> high = 0x9f;
        case 0xf0 -> low = 0x90;
        case 0xf4 -> high = 0x8f;
        default -> {}
      }
    }
    return b >= low && b <= high;
  }
}
