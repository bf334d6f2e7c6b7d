package inkstone.model.text;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/**
 * Classes of code points as the reference tokenizer sees them. Its regex engine, its word rule and
 * its normalizer follow three Unicode versions, none of them this JDK's, so the classes are a table
 * that {@code reference/tokenizer.py} writes and not calls of {@link Character}.
 */
final class UnicodeClasses {
  /** Regex {@code \p{L}}. */
  static final UnicodeClasses LETTER;

  /** Regex {@code \p{N}}. */
  static final UnicodeClasses NUMBER;

  /** Regex {@code \s}. */
  static final UnicodeClasses SPACE;

  /** What a single-word added token may not touch. */
  static final UnicodeClasses WORD;

  /** What canonical decomposition, ordering or composition can change or move. */
  static final UnicodeClasses CANONICAL;

  static {
    Map<String, int[]> table = read("unicode.txt");
    LETTER = new UnicodeClasses(table.get("L"));
    NUMBER = new UnicodeClasses(table.get("N"));
    SPACE = new UnicodeClasses(table.get("S"));
    WORD = new UnicodeClasses(table.get("W"));
    CANONICAL = new UnicodeClasses(table.get("C"));
  }

  // First code point of a range and the one after its last, in turn, ascending.
  private final int[] bounds;
  private final boolean[] ascii = new boolean[128];

  private UnicodeClasses(int[] bounds) {
    this.bounds = bounds;
    for (int c = 0; c < ascii.length; c++) {
      ascii[c] = search(c);
    }
  }

  boolean has(int codePoint) {
    return codePoint < ascii.length ? ascii[codePoint] : search(codePoint);
  }

  private boolean search(int codePoint) {
    int i = Arrays.binarySearch(bounds, codePoint);
    int started = i >= 0 ? i + 1 : -i - 1;
    return (started & 1) == 1;
  }

  private static Map<String, int[]> read(String resource) {
    Map<String, StringBuilder> lines = new HashMap<>();
    try (InputStream in = UnicodeClasses.class.getResourceAsStream(resource)) {
      if (in == null) {
        throw new IllegalStateException(
            "tokenizer: resource " + resource + " is missing from the jar; build it again");
      }
      BufferedReader reader =
          new BufferedReader(new InputStreamReader(in, StandardCharsets.US_ASCII));
      for (String line = reader.readLine(); line != null; line = reader.readLine()) {
        if (!line.startsWith("#")) {
          lines
              .computeIfAbsent(line.substring(0, 1), label -> new StringBuilder())
              .append(line, 1, line.length());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Map<String, int[]> table = new HashMap<>();
    lines.forEach((label, ranges) -> table.put(label, bounds(ranges.toString().strip())));
    return table;
  }

  private static int[] bounds(String ranges) {
    String[] items = ranges.split(" ");
    int[] bounds = new int[items.length * 2];
    for (int i = 0; i < items.length; i++) {
      int dash = items[i].indexOf('-');
      String first = dash < 0 ? items[i] : items[i].substring(0, dash);
      String last = dash < 0 ? items[i] : items[i].substring(dash + 1);
      bounds[2 * i] = Integer.parseInt(first, 16);
      bounds[2 * i + 1] = Integer.parseInt(last, 16) + 1;
    }
    return bounds;
  }
}
