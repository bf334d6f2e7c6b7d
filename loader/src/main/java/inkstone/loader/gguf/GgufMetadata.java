package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * The metadata of a GGUF file, typed. Values stay in the mapped file until they are asked for; a
 * wrong type or range is reported with file and key. It must not be used after the file's arena is
 * closed.
 */
public final class GgufMetadata {
  private static final int SHOWN_ELEMENTS = 16;

  private final MemorySegment file;
  private final Map<String, GgufValue> values;
  private final String where;

  GgufMetadata(MemorySegment file, Map<String, GgufValue> values, String where) {
    this.file = file;
    this.values = Collections.unmodifiableMap(values);
    this.where = where;
  }

  /** The file, for messages. */
  public String where() {
    return where;
  }

  /** All keys in file order. */
  public Set<String> keys() {
    return values.keySet();
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /**
   * {@code general.architecture}, such as "qwen2vl", "clip" or "qwen_image"; empty when the file
   * has none, as those of stable-diffusion.cpp.
   */
  public String architecture() throws CheckpointException {
    return string("general.architecture", "");
  }

  public String string(String key) throws CheckpointException {
    GgufValue value = require(key, "a string");
    if (value.type() != GgufType.STRING) {
      throw error(key, "a string");
    }
    return GgufText.decode(file, value.offset(), (int) value.count());
  }

  public String string(String key, String fallback) throws CheckpointException {
    return has(key) ? string(key) : fallback;
  }

  public boolean flag(String key) throws CheckpointException {
    GgufValue value = require(key, "a flag");
    if (value.type() != GgufType.BOOL) {
      throw error(key, "a flag");
    }
    return file.get(ValueLayout.JAVA_BYTE, value.offset()) != 0;
  }

  public boolean flag(String key, boolean fallback) throws CheckpointException {
    return has(key) ? flag(key) : fallback;
  }

  /** A whole number of any integer type. */
  public long whole(String key) throws CheckpointException {
    return whole(key, Long.MIN_VALUE, Long.MAX_VALUE);
  }

  /** A whole number in {@code min..max}, of any integer type. */
  public long whole(String key, long min, long max) throws CheckpointException {
    String expected = "a whole number from " + min + " to " + max;
    GgufValue value = require(key, expected);
    if (!value.type().isWhole()) {
      throw error(key, expected);
    }
    long number = whole(value.type(), value.offset());
    boolean unsignedOverflow = value.type() == GgufType.U64 && number < 0;
    if (unsignedOverflow || number < min || number > max) {
      throw error(
          key, expected, unsignedOverflow ? Long.toUnsignedString(number) : String.valueOf(number));
    }
    return number;
  }

  /** As {@link #whole(String, long, long)}; {@code fallback} when the key is absent. */
  public long whole(String key, long fallback, long min, long max) throws CheckpointException {
    return has(key) ? whole(key, min, max) : fallback;
  }

  /** A finite number of any real or integer type. */
  public double number(String key) throws CheckpointException {
    return number(key, -Double.MAX_VALUE, Double.MAX_VALUE);
  }

  /** A finite number in {@code min..max}, of any real or integer type. */
  public double number(String key, double min, double max) throws CheckpointException {
    String expected = "a number from " + min + " to " + max;
    GgufValue value = require(key, expected);
    if (!value.type().isReal() && !value.type().isWhole()) {
      throw error(key, expected);
    }
    double number = real(value.type(), value.offset());
    if (!(number >= min && number <= max)) {
      throw error(key, expected, String.valueOf(number));
    }
    return number;
  }

  /** As {@link #number(String, double, double)}; {@code fallback} when the key is absent. */
  public double number(String key, double fallback, double min, double max)
      throws CheckpointException {
    return has(key) ? number(key, min, max) : fallback;
  }

  /** An array of strings, left in the file. */
  public GgufStrings strings(String key) throws CheckpointException {
    return strings(key, Integer.MAX_VALUE);
  }

  /** An array of at most {@code longest} strings, left in the file. */
  public GgufStrings strings(String key, int longest) throws CheckpointException {
    GgufValue value = array(key, longest, "strings");
    if (value.element() != GgufType.STRING && value.count() > 0) {
      throw error(key, "an array of strings");
    }
    return new GgufStrings(file, value.offset(), (int) value.count());
  }

  /** An array of at most {@code longest} whole numbers, of any integer type. */
  public long[] wholes(String key, int longest) throws CheckpointException {
    GgufValue value = array(key, longest, "whole numbers");
    if (!value.element().isWhole()) {
      throw error(key, "an array of whole numbers");
    }
    long[] numbers = new long[(int) value.count()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = whole(value.element(), value.offset() + i * (long) value.element().bytes());
      if (value.element() == GgufType.U64 && numbers[i] < 0) {
        throw error(key, "numbers below 2^63", Long.toUnsignedString(numbers[i]));
      }
    }
    return numbers;
  }

  /** An array of at most {@code longest} numbers, of any real or integer type. */
  public double[] numbers(String key, int longest) throws CheckpointException {
    GgufValue value = array(key, longest, "numbers");
    if (!value.element().isReal() && !value.element().isWhole()) {
      throw error(key, "an array of numbers");
    }
    double[] numbers = new double[(int) value.count()];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = real(value.element(), value.offset() + i * (long) value.element().bytes());
    }
    return numbers;
  }

  /** A value as it is stored, its type before it; for writers that pass it on. */
  public byte[] stored(String key) throws CheckpointException {
    GgufValue value = require(key, "a value");
    // Before the content lie a string's length, or an array's element type and length; and the
    // type.
    int before = 4;
    long bytes = value.type().bytes();
    if (value.type() == GgufType.STRING) {
      before = 12;
      bytes = value.count();
    } else if (value.isArray()) {
      before = 16;
      bytes = value.count() * value.element().bytes();
      if (value.element() == GgufType.STRING) {
        bytes = 0;
        for (long i = 0; i < value.count(); i++) {
          bytes += 8 + file.get(HeaderCursor.LONG, value.offset() + bytes);
        }
      }
    }
    return file.asSlice(value.offset() - before, before + bytes).toArray(ValueLayout.JAVA_BYTE);
  }

  /** All values as text, long arrays by their length, for display. */
  public Map<String, String> display() {
    Map<String, String> texts = new LinkedHashMap<>();
    values.forEach((key, value) -> texts.put(key, text(value)));
    return Collections.unmodifiableMap(texts);
  }

  /** A message about a key, with what it holds. */
  public CheckpointException error(String key, String expected) {
    GgufValue value = values.get(key);
    return error(key, expected, value == null ? "no such key" : value.describe());
  }

  /** A message about a key. */
  public CheckpointException error(String key, String expected, String got) {
    return CheckpointException.of(
        "gguf: metadata "
            + CheckpointException.quote(key)
            + ", expected "
            + expected
            + ", got "
            + got,
        where,
        "use a file that was converted from this model");
  }

  private GgufValue require(String key, String expected) throws CheckpointException {
    GgufValue value = values.get(key);
    if (value == null) {
      throw error(key, expected);
    }
    return value;
  }

  private GgufValue array(String key, int longest, String what) throws CheckpointException {
    String expected = "an array of at most " + longest + " " + what;
    GgufValue value = require(key, expected);
    if (!value.isArray() || value.count() > longest) {
      throw error(key, expected);
    }
    return value;
  }

  private long whole(GgufType type, long offset) {
    return switch (type) {
      case U8 -> file.get(ValueLayout.JAVA_BYTE, offset) & 0xff;
      case I8 -> file.get(ValueLayout.JAVA_BYTE, offset);
      case U16 -> file.get(HeaderCursor.SHORT, offset) & 0xffff;
      case I16 -> file.get(HeaderCursor.SHORT, offset);
      case U32 -> file.get(HeaderCursor.INT, offset) & 0xffff_ffffL;
      case I32 -> file.get(HeaderCursor.INT, offset);
      default -> file.get(HeaderCursor.LONG, offset);
    };
  }

  private double real(GgufType type, long offset) {
    return switch (type) {
      case F32 -> Float.intBitsToFloat(file.get(HeaderCursor.INT, offset));
      case F64 -> Double.longBitsToDouble(file.get(HeaderCursor.LONG, offset));
      default -> {
        long number = whole(type, offset);
        yield type == GgufType.U64 && number < 0 ? number + 0x1p64 : number;
      }
    };
  }

  private String text(GgufValue value) {
    if (!value.isArray()) {
      return value.type() == GgufType.STRING
          ? GgufText.decode(file, value.offset(), (int) value.count())
          : scalar(value.type(), value.offset());
    }
    if (value.element().bytes() == 0 || value.count() > SHOWN_ELEMENTS) {
      return value.describe();
    }
    StringBuilder list = new StringBuilder("[");
    for (int i = 0; i < value.count(); i++) {
      list.append(i == 0 ? "" : ", ")
          .append(scalar(value.element(), value.offset() + i * (long) value.element().bytes()));
    }
    return list.append(']').toString();
  }

  private String scalar(GgufType type, long offset) {
    return switch (type) {
      case BOOL -> String.valueOf(file.get(ValueLayout.JAVA_BYTE, offset) != 0);
      case F32 -> String.valueOf((float) real(type, offset));
      case F64 -> String.valueOf(real(type, offset));
      case U64 -> Long.toUnsignedString(whole(type, offset));
      default -> String.valueOf(whole(type, offset));
    };
  }
}
