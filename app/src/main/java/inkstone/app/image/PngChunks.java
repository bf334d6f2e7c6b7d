package inkstone.app.image;

import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/**
 * Walks over the chunks of a PNG file in memory, one at a time, so that a file of a million tiny
 * chunks costs no memory. Every length is checked against the bytes that are there.
 */
final class PngChunks {
  private static final int SIGNATURE = 8;
  private static final int OVERHEAD = 12;

  private final byte[] data;
  private final String name;
  private int next = SIGNATURE;
  private int offset;
  private int length;
  private String type = "";

  PngChunks(byte[] data, String name) {
    this.data = data;
    this.name = name;
  }

  /** Moves on to the next chunk; false at the end of the file. */
  boolean next() throws PictureException {
    if (next >= data.length) {
      return false;
    }
    if (data.length - next < OVERHEAD) {
      throw truncated();
    }
    long declared = int32(next) & 0xffffffffL;
    type = new String(data, next + 4, 4, StandardCharsets.ISO_8859_1);
    if (declared > Integer.MAX_VALUE || !isType()) {
      throw new PictureException(
          "picture: PNG chunk at byte "
              + next
              + ", expected a length and a type, got garbage ("
              + name
              + "); the file is damaged, get a new copy");
    }
    if (declared > data.length - next - OVERHEAD) {
      throw truncated();
    }
    offset = next + 8;
    length = (int) declared;
    next = offset + length + 4;
    return true;
  }

  /** Refuses a chunk whose checksum does not fit. */
  void requireIntact() throws PictureException {
    CRC32 crc = new CRC32();
    crc.update(data, offset - 4, length + 4);
    if ((int) crc.getValue() != int32(offset + length)) {
      throw new PictureException(
          "picture: checksum of the PNG's "
              + type
              + " chunk does not fit ("
              + name
              + "); the file is damaged, get a new copy");
    }
  }

  String type() {
    return type;
  }

  /** Where the chunk's content starts in the file. */
  int offset() {
    return offset;
  }

  int length() {
    return length;
  }

  int int32(int at) {
    return (data[at] & 0xff) << 24
        | (data[at + 1] & 0xff) << 16
        | (data[at + 2] & 0xff) << 8
        | (data[at + 3] & 0xff);
  }

  PictureException truncated() {
    return new PictureException(
        "picture: the PNG ends too early ("
            + name
            + "); the file is truncated, get a complete copy");
  }

  private boolean isType() {
    for (int i = 0; i < 4; i++) {
      char c = type.charAt(i);
      if (!(c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z')) {
        return false;
      }
    }
    return true;
  }
}
