package inkstone.app.cli;

/** Text from files, safe to print: no control characters that could drive a terminal. */
final class Printable {
  private Printable() {}

  /** Control, format and lone surrogate characters become {@code \}{@code uXXXX}. */
  static String of(String text) {
    StringBuilder out = new StringBuilder();
    text.codePoints()
        .forEach(c -> {
          int type = Character.getType(c);
          if (type == Character.CONTROL
              || type == Character.FORMAT
              || type == Character.SURROGATE) {
            out.append(String.format("\\u%04x", c));
          } else {
            out.appendCodePoint(c);
          }
        });
    return out.toString();
  }
}
