package inkstone.loader.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CoderResult;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Strings of a file: checked once without a copy, decoded when asked for. */
final class GgufText {
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private final CharBuffer chars = CharBuffer.allocate(1024);

  boolean isUtf8(MemorySegment bytes) {
    if (isAscii(bytes)) {
      return true;
    }
    ByteBuffer in = bytes.asByteBuffer();
    decoder.reset();
    CoderResult result;
    do {
      chars.clear();
      result = decoder.decode(in, chars, true);
    } while (result.isOverflow());
    return !result.isError();
  }

  private static boolean isAscii(MemorySegment bytes) {
    for (long i = 0; i < bytes.byteSize(); i++) {
      if (bytes.get(ValueLayout.JAVA_BYTE, i) < 0) {
        return false;
      }
    }
    return true;
  }

  /** Text that was checked before. */
  static String decode(MemorySegment file, long offset, int bytes) {
    byte[] copy = new byte[bytes];
    MemorySegment.copy(file, ValueLayout.JAVA_BYTE, offset, copy, 0, bytes);
    return new String(copy, StandardCharsets.UTF_8);
  }
}
