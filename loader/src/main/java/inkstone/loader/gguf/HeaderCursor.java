package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Reads a header front to back; every read is checked against the file and the longest header. */
final class HeaderCursor {
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** Longest string of any header; chat templates have a few kilobytes. */
  static final int MAX_STRING_BYTES = 4 << 20;

  private final MemorySegment file;
  private final String where;
  private final GgufText text = new GgufText();
  private final long limit;
  private long position;
  private long keptBytes;

  HeaderCursor(MemorySegment file, String where) {
    this.file = file;
    this.where = where;
    this.limit = Math.min(file.byteSize(), GgufHeader.MAX_HEADER_BYTES);
  }

  long position() {
    return position;
  }

  /** Bytes that may still belong to the header. */
  long left() {
    return limit - position;
  }

  long keptBytes() {
    return keptBytes;
  }

  int u32(String what) throws CheckpointException {
    require(4, what);
    int value = file.get(INT, position);
    position += 4;
    return value;
  }

  long u64(String what) throws CheckpointException {
    require(8, what);
    long value = file.get(LONG, position);
    position += 8;
    return value;
  }

  /** A count that the rest of the header can hold, at {@code bytesEach} or more. */
  long count(String what, long bytesEach) throws CheckpointException {
    long at = position;
    long count = u64(what);
    if (count < 0 || count > left() / bytesEach) {
      throw bad(
          what,
          "at most " + left() / bytesEach + ", which fit the rest of the header",
          Long.toUnsignedString(count),
          at);
    }
    return count;
  }

  /** Skips a string and returns its length in bytes; its text is checked to be UTF-8. */
  int skipString(String what) throws CheckpointException {
    long at = position;
    long bytes = u64(what + " length");
    if (bytes < 0 || bytes > MAX_STRING_BYTES) {
      throw bad(
          what + " length",
          "at most " + MAX_STRING_BYTES + " bytes",
          Long.toUnsignedString(bytes),
          at);
    }
    require(bytes, what);
    if (!text.isUtf8(file.asSlice(position, bytes))) {
      throw bad(what, "UTF-8", "other bytes", position);
    }
    position += bytes;
    return (int) bytes;
  }

  /** A key or a tensor's name. */
  String name(String what, int maxBytes) throws CheckpointException {
    long at = position;
    int bytes = skipString(what);
    if (bytes == 0 || bytes > maxBytes) {
      throw bad(what + " length", "1 to " + maxBytes + " bytes", String.valueOf(bytes), at);
    }
    return GgufText.decode(file, position - bytes, bytes);
  }

  void skip(long bytes, String what) throws CheckpointException {
    require(bytes, what);
    position += bytes;
  }

  /** Counts heap that is kept, so that a hostile header stays cheap. */
  void charge(long bytes) throws CheckpointException {
    keptBytes += bytes;
    if (keptBytes > GgufHeader.MAX_KEPT_BYTES) {
      throw CheckpointException.of(
          "gguf: header, expected content for at most "
              + GgufHeader.MAX_KEPT_BYTES
              + " bytes of memory, got more at byte "
              + position,
          where,
          "no model needs this much: the file is damaged or hostile");
    }
  }

  CheckpointException bad(String what, String expected, String got, long at) {
    return CheckpointException.of(
        "gguf: " + what + " at byte " + at + ", expected " + expected + ", got " + got,
        where,
        "the file is damaged or hostile: download it again");
  }

  private void require(long bytes, String what) throws CheckpointException {
    if (bytes <= left()) {
      return;
    }
    if (limit < file.byteSize()) {
      throw bad(
          what, "a header of at most " + GgufHeader.MAX_HEADER_BYTES + " bytes", "more", position);
    }
    throw CheckpointException.of(
        "gguf: "
            + what
            + " at byte "
            + position
            + ", expected "
            + bytes
            + " bytes, got a file with "
            + left()
            + " left",
        where,
        "the file is cut short: download it again");
  }
}
