package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Map;

/** Walks over the metadata and notes where each value lies; checks each one by itself. */
final class MetadataParser {
  /** Longest key, as the format's specification has it. */
  private static final int MAX_KEY_BYTES = 65_535;

  /** Arrays inside arrays: no known file has any. */
  private static final int MAX_DEPTH = 4;

  /** Key length, type and the smallest value. */
  private static final int PAIR_BYTES = 13;

  /** Heap of an entry beside its key: value, string and map node. */
  private static final int ENTRY_BYTES = 200;

  private final MemorySegment file;
  private final HeaderCursor cursor;

  MetadataParser(MemorySegment file, HeaderCursor cursor) {
    this.file = file;
    this.cursor = cursor;
  }

  Map<String, GgufValue> parse(long count) throws CheckpointException {
    if (count < 0 || count > cursor.left() / PAIR_BYTES) {
      throw cursor.bad(
          "metadata count",
          "at most " + cursor.left() / PAIR_BYTES + ", which fit the rest of the header",
          Long.toUnsignedString(count),
          16);
    }
    Map<String, GgufValue> values = new LinkedHashMap<>();
    for (long i = 0; i < count; i++) {
      long at = cursor.position();
      String key = cursor.name("metadata key " + i, MAX_KEY_BYTES);
      String what = "metadata " + CheckpointException.quote(key);
      cursor.charge(ENTRY_BYTES + 2L * key.length());
      if (values.containsKey(key)) {
        throw cursor.bad(what, "it once", "it twice", at);
      }
      values.put(key, value(what, type(what), 0));
    }
    return values;
  }

  private GgufType type(String what) throws CheckpointException {
    long at = cursor.position();
    int number = cursor.u32(what + " type");
    GgufType type = GgufType.of(number);
    if (type == null) {
      throw cursor.bad(
          what + " type", "a number from 0 to 12", Integer.toUnsignedString(number), at);
    }
    return type;
  }

  private GgufValue value(String what, GgufType type, int depth) throws CheckpointException {
    if (type == GgufType.ARRAY) {
      return array(what, depth + 1);
    }
    if (type == GgufType.STRING) {
      int bytes = cursor.skipString(what);
      // It may be asked for as text, two bytes a character.
      cursor.charge(2L * bytes);
      return new GgufValue(type, null, bytes, cursor.position() - bytes);
    }
    long at = cursor.position();
    cursor.skip(type.bytes(), what);
    if (type == GgufType.BOOL) {
      int flag = file.get(ValueLayout.JAVA_BYTE, at) & 0xff;
      if (flag > 1) {
        throw cursor.bad(what, "0 or 1 for a BOOL", String.valueOf(flag), at);
      }
    }
    return new GgufValue(type, null, 1, at);
  }

  private GgufValue array(String what, int depth) throws CheckpointException {
    if (depth > MAX_DEPTH) {
      throw cursor.bad(
          what, "arrays nested at most " + MAX_DEPTH + " deep", "deeper ones", cursor.position());
    }
    GgufType element = type(what + " element");
    long each =
        switch (element) {
          case STRING -> 8;
          case ARRAY -> 12;
          default -> element.bytes();
        };
    long count = cursor.count(what + " element count", each);
    long offset = cursor.position();
    if (element == GgufType.STRING) {
      for (long i = 0; i < count; i++) {
        cursor.skipString(what);
      }
    } else if (element == GgufType.ARRAY) {
      for (long i = 0; i < count; i++) {
        array(what, depth + 1);
      }
    } else {
      cursor.skip(count * each, what);
    }
    return new GgufValue(GgufType.ARRAY, element, count, offset);
  }
}
