package inkstone.model.fuzz;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.SplittableRandom;

/** Changes of a JSON document token by token: most mutants still parse, and mean something else. */
final class JsonMutations implements Mutator {
  private static final List<String> VALUES =
      List.of(
          "0",
          "-1",
          "1",
          "2",
          "3",
          "0.5",
          "-0.0",
          "1e308",
          "1e999",
          "1e-400",
          "2147483647",
          "2147483648",
          "-2147483649",
          "4294967296",
          "9223372036854775807",
          "9223372036854775808",
          "-9223372036854775808",
          "null",
          "true",
          "false",
          "{}",
          "[]",
          "[[]]",
          "[null]",
          "{\"\":0}",
          "\"\"",
          "\" \"",
          "\"a\"",
          "\"\\u0000\"",
          "\"\\ud800\"",
          "\"\\n\"",
          "\"../../etc/passwd\"",
          "\"F32\"",
          "\"BF16\"",
          "\"F8_E4M3\"",
          "\"I64\"");

  private static final List<String> BROKEN =
      List.of("NaN", "Infinity", "nul", ",", ":", "{", "}", "[", "]", "/**/", "\\", "\"", "01");

  private final List<String> tokens;

  private JsonMutations(List<String> tokens) {
    this.tokens = tokens;
  }

  /** For one valid document. */
  static JsonMutations of(String json) {
    return new JsonMutations(Collections.unmodifiableList(tokens(json)));
  }

  /** Strings with their quotes, numbers and words, and every other character; no white space. */
  private static List<String> tokens(String json) {
    List<String> tokens = new ArrayList<>();
    for (int at = 0; at < json.length(); ) {
      int end = at + 1;
      char c = json.charAt(at);
      if (c == '"') {
        while (json.charAt(end) != '"') {
          end += json.charAt(end) == '\\' ? 2 : 1;
        }
        end++;
      } else if (plain(c)) {
        while (end < json.length() && plain(json.charAt(end))) {
          end++;
        }
      }
      if (!Character.isWhitespace(c)) {
        tokens.add(json.substring(at, end));
      }
      at = end;
    }
    return tokens;
  }

  private static boolean plain(char c) {
    return Character.isLetterOrDigit(c) || c == '-' || c == '+' || c == '.';
  }

  @Override
  public byte[] mutate(byte[] valid, SplittableRandom random) {
    return text(random).getBytes(StandardCharsets.UTF_8);
  }

  /** A mutant of the document. */
  String text(SplittableRandom random) {
    List<String> changed = new ArrayList<>(tokens);
    for (int i = 1 + random.nextInt(4) / 2; i > 0 && !changed.isEmpty(); i--) {
      change(changed, random);
    }
    return String.join("", changed);
  }

  private static void change(List<String> tokens, SplittableRandom random) {
    int at = random.nextInt(tokens.size());
    int value = value(tokens, at);
    switch (random.nextInt(14)) {
      case 0 -> Collections.swap(tokens, value, value(tokens, random.nextInt(tokens.size())));
      case 1, 2, 3 -> tokens.set(value, VALUES.get(random.nextInt(VALUES.size())));
      case 4, 5 -> tokens.set(numeric(tokens, at), number(random));
      case 6 -> {
        switch (random.nextInt(4)) {
          case 0 -> tokens.remove(at);
          case 1 -> tokens.add(at, tokens.get(random.nextInt(tokens.size())));
          case 2 -> tokens.subList(at, Math.min(tokens.size(), at + 1 + random.nextInt(9))).clear();
          default -> tokens.set(at, BROKEN.get(random.nextInt(BROKEN.size())));
        }
      }
      case 7 -> {
        int depth = 1 << random.nextInt(17);
        boolean array = random.nextBoolean();
        String old = tokens.get(value);
        tokens.set(value, (array ? "[" : "{\"a\":").repeat(depth) + old);
        tokens.add(value + 1, (array ? "]" : "}").repeat(depth));
      }
      case 8 -> {
        int key = key(tokens, at);
        if (key >= 0) {
          tokens.addAll(
              key, List.of(random.nextBoolean() ? tokens.get(key) : "\"x\"", ":", "0", ","));
        }
      }
      case 9 -> tokens.set(text(tokens, at), "\"" + "x".repeat(1 << random.nextInt(20)) + "\"");
      case 10 ->
          tokens.set(text(tokens, at), tokens.get(text(tokens, random.nextInt(tokens.size()))));
      case 11, 12 -> removeMember(tokens, key(tokens, at));
      default -> {
        List<String> range =
            List.copyOf(tokens.subList(at, Math.min(tokens.size(), at + 1 + random.nextInt(12))));
        int length = range.stream().mapToInt(String::length).sum();
        int times = Math.min(1 << random.nextInt(13), ByteMutations.MAX_BYTES / (4 * length));
        tokens.add(at, String.join("", range).repeat(Math.max(1, times)));
      }
    }
  }

  /** Takes a key, its value and a comma away, so that the document stays one. */
  private static void removeMember(List<String> tokens, int key) {
    if (key < 0) {
      return;
    }
    int end = key + 2;
    int depth = 0;
    do {
      String token = tokens.get(end++);
      depth += token.equals("{") || token.equals("[") ? 1 : 0;
      depth -= token.equals("}") || token.equals("]") ? 1 : 0;
    } while (depth > 0 && end < tokens.size());
    int begin = key;
    if (end < tokens.size() && tokens.get(end).equals(",")) {
      end++;
    } else if (tokens.get(key - 1).equals(",")) {
      begin--;
    }
    tokens.subList(begin, Math.min(end, tokens.size())).clear();
  }

  /** The next number, or {@code at}. */
  private static int numeric(List<String> tokens, int at) {
    for (int i = at; i < tokens.size(); i++) {
      if (Character.isDigit(tokens.get(i).charAt(0))) {
        return i;
      }
    }
    return at;
  }

  /** The next string, or {@code at}. */
  private static int text(List<String> tokens, int at) {
    for (int i = at; i < tokens.size(); i++) {
      if (tokens.get(i).startsWith("\"")) {
        return i;
      }
    }
    return at;
  }

  /** The next token that is a value of a member, or {@code at}. */
  private static int value(List<String> tokens, int at) {
    for (int i = at; i + 1 < tokens.size(); i++) {
      if (tokens.get(i).equals(":")) {
        return i + 1;
      }
    }
    return at;
  }

  private static int key(List<String> tokens, int at) {
    for (int i = Math.max(1, at); i + 2 < tokens.size(); i++) {
      if (tokens.get(i).startsWith("\"") && tokens.get(i + 1).equals(":")) {
        return i;
      }
    }
    return -1;
  }

  private static String number(SplittableRandom random) {
    return switch (random.nextInt(4)) {
      case 0 -> Long.toString(random.nextLong());
      case 1 -> Integer.toString(random.nextInt(-3, 300));
      case 2 -> "9".repeat(1 + random.nextInt(400));
      default -> "0." + "0".repeat(random.nextInt(200)) + "1e" + random.nextInt(-400, 400);
    };
  }
}
