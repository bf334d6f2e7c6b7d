package inkstone.app.cli;

import java.util.Collection;
import java.util.Iterator;
import java.util.Map;

/** Writes maps, collections, strings, numbers and booleans as JSON on one line. */
final class JsonText {
  private final StringBuilder text = new StringBuilder();

  private JsonText() {}

  static String of(Object value) {
    JsonText json = new JsonText();
    json.write(value);
    return json.text.toString();
  }

  private void write(Object value) {
    switch (value) {
      case null -> text.append("null");
      case Map<?, ?> map -> writeMap(map);
      case Collection<?> items -> writeItems(items);
      case Boolean flag -> text.append(flag);
      // JSON has no NaN or infinity.
      case Double d when !Double.isFinite(d) -> text.append("null");
      case Float f when !Float.isFinite(f) -> text.append("null");
      case Number number -> text.append(number);
      default -> writeString(value.toString());
    }
  }

  private void writeMap(Map<?, ?> map) {
    text.append('{');
    Iterator<? extends Map.Entry<?, ?>> entries = map.entrySet().iterator();
    while (entries.hasNext()) {
      Map.Entry<?, ?> entry = entries.next();
      writeString(String.valueOf(entry.getKey()));
      text.append(':');
      write(entry.getValue());
      if (entries.hasNext()) {
        text.append(',');
      }
    }
    text.append('}');
  }

  private void writeItems(Collection<?> items) {
    text.append('[');
    Iterator<?> iterator = items.iterator();
    while (iterator.hasNext()) {
      write(iterator.next());
      if (iterator.hasNext()) {
        text.append(',');
      }
    }
    text.append(']');
  }

  private void writeString(String string) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        default -> {
          if (c < 0x20 || c == 0x7f || Character.isSurrogate(c) && isLone(string, i)) {
            text.append("\\u");
            String hex = Integer.toHexString(c);
            text.append("0".repeat(4 - hex.length())).append(hex);
          } else {
            text.append(c);
          }
        }
      }
    }
    text.append('"');
  }

  private static boolean isLone(String string, int i) {
    return Character.isHighSurrogate(string.charAt(i))
        ? i + 1 == string.length() || !Character.isLowSurrogate(string.charAt(i + 1))
        : i == 0 || !Character.isHighSurrogate(string.charAt(i - 1));
  }
}
