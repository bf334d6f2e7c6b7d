package inkstone.loader.json;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
import inkstone.loader.FileKind;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * One value of a JSON document together with its file and key, so that every wrong type is reported
 * with both. Immutable. Duplicate keys, nesting beyond 64, comments, NaN and text after the value
 * are refused when the document is read.
 */
public final class Json {
  private static final Object ABSENT = new Object();

  private final Object value;
  private final String where;
  private final Json parent;
  private final String step;

  private Json(Object value, String where, Json parent, String step) {
    this.value = value;
    this.where = where;
    this.parent = parent;
    this.step = step;
  }

  /** Reads a file of at most 100 MB. */
  public static Json read(Path file) throws CheckpointException {
    return read(file, JsonLimits.DOCUMENT);
  }

  /** Reads a file within limits. */
  public static Json read(Path file, JsonLimits limits) throws CheckpointException {
    long bytes = CheckpointFiles.requireFile(file);
    String where = CheckpointException.quote(file);
    if (bytes == 0 || bytes > limits.documentBytes()) {
      throw CheckpointException.of(
          "json: expected a file of 1 to " + limits.documentBytes() + " bytes, got " + bytes,
          where,
          bytes == 0 ? "download it again" : "this is no file that a model folder needs");
    }
    FileKind kind = FileKind.of(file);
    if (kind == FileKind.LFS_POINTER || kind == FileKind.WEB_PAGE) {
      throw CheckpointException.of(
          "json: expected JSON text, got " + kind.description(), where, kind.advice());
    }
    try (InputStream in =
        new BufferedInputStream(new BoundedInputStream(Files.newInputStream(file), bytes))) {
      refuseByteOrderMark(in, where);
      return new Json(JsonTree.read(in, where, limits), where, null, "");
    } catch (IOException e) {
      throw CheckpointException.unreadable(where, e);
    }
  }

  /**
   * Reads a document from a string.
   *
   * @param where what the text is from, for messages
   */
  public static Json parse(String text, String where) throws CheckpointException {
    if (text.length() > JsonLimits.DOCUMENT.documentBytes()) {
      throw CheckpointException.of(
          "json: expected at most "
              + JsonLimits.DOCUMENT.documentBytes()
              + " characters, got "
              + text.length(),
          where,
          "give less text");
    }
    return new Json(
        JsonTree.read(new StringReader(text), where, JsonLimits.DOCUMENT), where, null, "");
  }

  private static void refuseByteOrderMark(InputStream in, String where) throws IOException {
    in.mark(3);
    byte[] start = in.readNBytes(3);
    in.reset();
    int first = start.length > 0 ? start[0] & 0xff : 0;
    boolean utf8 =
        start.length == 3 && first == 0xef && start[1] == (byte) 0xbb && start[2] == (byte) 0xbf;
    if (utf8 || first == 0xfe || first == 0xff) {
      throw CheckpointException.of(
          "json: expected UTF-8 without a byte order mark, got a byte order mark",
          where,
          "save the file as plain UTF-8");
    }
  }

  /** The plain value: Map, List, String, Long, Double, Boolean or null. */
  public Object raw() {
    return value;
  }

  /** The file, for messages. */
  public String where() {
    return where;
  }

  /** The key of this value from the root, dotted; empty at the root. */
  public String path() {
    if (parent == null) {
      return step;
    }
    String above = parent.path();
    return above.isEmpty() || step.startsWith("[") ? above + step : above + "." + step;
  }

  /** A message about this value, with file and key. */
  public CheckpointException error(String expected) {
    return error(expected, describe(value));
  }

  /** A message about a member of this object, there or not, with file and key. */
  public CheckpointException errorAt(String key, String expected, Object got) {
    return new Json(null, where, this, key).error(expected, String.valueOf(got));
  }

  /** A message about this value, with file and key. */
  public CheckpointException error(String expected, String got) {
    String path = path();
    return CheckpointException.of(
        "config: "
            + (path.isEmpty() ? "document" : "key " + CheckpointException.quote(path))
            + ", expected "
            + expected
            + ", got "
            + got,
        where,
        "use the file that the model was published with");
  }

  // Kinds.

  public boolean isObject() {
    return value instanceof Map;
  }

  public boolean isArray() {
    return value instanceof List;
  }

  public boolean isString() {
    return value instanceof String;
  }

  public boolean isNumber() {
    return value instanceof Number;
  }

  public boolean isNull() {
    return value == null;
  }

  // Objects and arrays.

  /** Whether this object has the key with a value other than null. */
  public boolean has(String key) throws CheckpointException {
    return map().get(key) != null;
  }

  /** Whether this object has the key, with any value. */
  public boolean declares(String key) throws CheckpointException {
    return map().containsKey(key);
  }

  /** Keys of this object in file order. */
  public Set<String> keys() throws CheckpointException {
    return map().keySet();
  }

  /** The value of a key that must be there; it may be null. */
  public Json get(String key) throws CheckpointException {
    Object inner = map().getOrDefault(key, ABSENT);
    Json child = new Json(inner, where, this, key);
    if (inner == ABSENT) {
      throw errorAt(key, "a value", "no such key");
    }
    return child;
  }

  /** Members of this object in file order. */
  public Map<String, Json> fields() throws CheckpointException {
    Map<String, Json> fields = new LinkedHashMap<>();
    map().forEach((key, inner) -> fields.put(key, new Json(inner, where, this, key)));
    return Collections.unmodifiableMap(fields);
  }

  /** Items of this array. */
  public List<Json> items() throws CheckpointException {
    if (!(value instanceof List<?> list)) {
      throw error("an array");
    }
    List<Json> items = new ArrayList<>(list.size());
    for (int i = 0; i < list.size(); i++) {
      items.add(new Json(list.get(i), where, this, "[" + i + "]"));
    }
    return Collections.unmodifiableList(items);
  }

  // Scalars.

  public String asString() throws CheckpointException {
    if (!(value instanceof String text)) {
      throw error("a string");
    }
    return text;
  }

  public boolean asBoolean() throws CheckpointException {
    if (!(value instanceof Boolean flag)) {
      throw error("true or false");
    }
    return flag;
  }

  public int asInt() throws CheckpointException {
    return asInt(Integer.MIN_VALUE, Integer.MAX_VALUE);
  }

  public int asInt(int min, int max) throws CheckpointException {
    return (int) asLong(min, max);
  }

  public long asLong() throws CheckpointException {
    return asLong(Long.MIN_VALUE, Long.MAX_VALUE);
  }

  /** A whole number in {@code min..max}; 2.0 is none. */
  public long asLong(long min, long max) throws CheckpointException {
    if (!(value instanceof Long number) || number < min || number > max) {
      throw error(
          min == Long.MIN_VALUE && max == Long.MAX_VALUE
              ? "a whole number"
              : "a whole number from " + min + " to " + max);
    }
    return number;
  }

  public double asDouble() throws CheckpointException {
    return asDouble(-Double.MAX_VALUE, Double.MAX_VALUE);
  }

  /** A finite number in {@code min..max}. */
  public double asDouble(double min, double max) throws CheckpointException {
    if (!(value instanceof Number number)
        || !(number.doubleValue() >= min && number.doubleValue() <= max)) {
      throw error(
          min == -Double.MAX_VALUE && max == Double.MAX_VALUE
              ? "a number"
              : "a number from " + min + " to " + max);
    }
    return number.doubleValue();
  }

  // Members with a default, for configs: an absent key and a null both give the default.

  public String string(String key, String fallback) throws CheckpointException {
    return has(key) ? get(key).asString() : fallback;
  }

  public boolean flag(String key, boolean fallback) throws CheckpointException {
    return has(key) ? get(key).asBoolean() : fallback;
  }

  public int integer(String key, int fallback, int min, int max) throws CheckpointException {
    return has(key) ? get(key).asInt(min, max) : fallback;
  }

  public long whole(String key, long fallback, long min, long max) throws CheckpointException {
    return has(key) ? get(key).asLong(min, max) : fallback;
  }

  public double number(String key, double fallback, double min, double max)
      throws CheckpointException {
    return has(key) ? get(key).asDouble(min, max) : fallback;
  }

  private Map<String, Object> map() throws CheckpointException {
    if (!(value instanceof Map)) {
      throw error("an object");
    }
    @SuppressWarnings("unchecked") // JsonTree builds no other maps.
    Map<String, Object> map = (Map<String, Object>) value;
    return map;
  }

  private static String describe(Object value) {
    return switch (value) {
      case null -> "null";
      case Map<?, ?> map -> "an object";
      case List<?> list -> "an array of " + list.size();
      case String text -> CheckpointException.quote(text);
      default -> value.toString();
    };
  }

  @Override
  public String toString() {
    return parent == null ? where : where + ": " + path();
  }
}
