package inkstone.loader.json;

import inkstone.loader.CheckpointException;
import java.io.InputStream;
import java.io.Reader;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonToken;

/**
 * Builds maps, lists, strings, numbers, booleans and nulls from tokens. Whole numbers that fit are
 * {@code Long}, all others {@code Double}.
 */
final class JsonTree {
  private final JsonTokens tokens;
  private final String where;
  // Keys from the root to the current value; joined only for a message.
  private final List<String> path = new ArrayList<>();

  private JsonTree(JsonTokens tokens, String where) {
    this.tokens = tokens;
    this.where = where;
  }

  static Object read(InputStream in, String where, JsonLimits limits) throws CheckpointException {
    try (JsonTokens tokens = JsonTokens.open(in, where, limits)) {
      return new JsonTree(tokens, where).document();
    }
  }

  static Object read(Reader in, String where, JsonLimits limits) throws CheckpointException {
    try (JsonTokens tokens = JsonTokens.open(in, where, limits)) {
      return new JsonTree(tokens, where).document();
    }
  }

  private Object document() throws CheckpointException {
    JsonToken first = tokens.next();
    if (first == null) {
      throw CheckpointException.of(
          "json: expected a value, got an empty document",
          where,
          "the file is damaged: download it again");
    }
    Object value = value(first);
    tokens.requireEnd();
    return value;
  }

  private Object value(JsonToken token) throws CheckpointException {
    return switch (token) {
      case START_OBJECT -> object();
      case START_ARRAY -> array();
      case VALUE_STRING -> tokens.text();
      case VALUE_NUMBER_INT -> whole();
      case VALUE_NUMBER_FLOAT -> finite();
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      case VALUE_NULL -> null;
      default -> throw ended();
    };
  }

  private Map<String, Object> object() throws CheckpointException {
    tokens.charge(120);
    Map<String, Object> map = new LinkedHashMap<>();
    JsonToken token = next();
    while (token != JsonToken.END_OBJECT) {
      String name = tokens.text();
      path.add(name);
      tokens.charge(64);
      if (map.containsKey(name)) {
        throw CheckpointException.of(
            "json: key " + quotedPath() + ", expected once, got it twice",
            where,
            "the file is damaged or hostile: download it again");
      }
      map.put(name, value(next()));
      path.removeLast();
      token = next();
    }
    return Collections.unmodifiableMap(map);
  }

  private List<Object> array() throws CheckpointException {
    tokens.charge(120);
    List<Object> list = new ArrayList<>();
    JsonToken token = next();
    while (token != JsonToken.END_ARRAY) {
      tokens.charge(8);
      list.add(value(token));
      token = next();
    }
    return Collections.unmodifiableList(list);
  }

  private Object whole() throws CheckpointException {
    tokens.charge(24);
    // No conditional expression: it would turn the long into a double.
    if (tokens.fitsLong()) {
      return tokens.longValue();
    }
    return finite();
  }

  private Double finite() throws CheckpointException {
    tokens.charge(24);
    double value = tokens.doubleValue();
    if (!Double.isFinite(value)) {
      throw CheckpointException.of(
          "json: key " + quotedPath() + ", expected a finite number, got " + value,
          where,
          "write a number there");
    }
    return value;
  }

  private JsonToken next() throws CheckpointException {
    JsonToken token = tokens.next();
    if (token == null) {
      throw ended();
    }
    return token;
  }

  private String quotedPath() {
    return CheckpointException.quote(String.join(".", path));
  }

  private CheckpointException ended() {
    return CheckpointException.of(
        "json: expected the rest of "
            + (path.isEmpty() ? "the document" : quotedPath())
            + ", got the end of the text",
        where,
        "the file is cut short: download it again");
  }
}
