package inkstone.model.text;

/**
 * Cuts text into words exactly as Qwen2's pattern does, by hand and in linear time:
 *
 * <pre>{@code
 * (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
 * }</pre>
 *
 * The first alternative that matches wins; together they cover every character.
 */
final class WordSplitter {
  /** The pattern that this class implements, as tokenizer.json spells it. */
  static final String PATTERN =
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
          + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";

  private WordSplitter() {}

  /** End of the word that starts at {@code from}, which is before the end of the text. */
  static int wordEnd(String text, int from) {
    int c = text.codePointAt(from);
    int next = from + Character.charCount(c);
    int end = c == '\'' ? contractionEnd(text, next) : -1;
    if (end > 0) {
      return end;
    }
    if (isLetter(c)) {
      return lettersEnd(text, next);
    }
    if (isNumber(c)) {
      return next;
    }
    if (!isLineEnd(c) && next < text.length() && isLetter(text.codePointAt(next))) {
      return lettersEnd(text, next);
    }
    int signs = c == ' ' ? next : from;
    end = signsEnd(text, signs);
    if (end > signs) {
      return lineEndsEnd(text, end);
    }
    return spacesEnd(text, from);
  }

  /** End of a contraction whose apostrophe is before {@code from}, or -1. */
  private static int contractionEnd(String text, int from) {
    return switch (fold(text, from)) {
      case 's', 't', 'm', 'd' -> from + 1;
      case 'r', 'v' -> fold(text, from + 1) == 'e' ? from + 2 : -1;
      case 'l' -> fold(text, from + 1) == 'l' ? from + 2 : -1;
      default -> -1;
    };
  }

  /** Simple case folding of one ASCII letter and of the long s, which folds to s. */
  private static int fold(String text, int at) {
    if (at >= text.length()) {
      return -1;
    }
    char c = text.charAt(at);
    if (c == 'ſ') {
      return 's';
    }
    return c >= 'A' && c <= 'Z' ? c + 32 : c;
  }

  private static int lettersEnd(String text, int from) {
    int i = from;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      if (!isLetter(c)) {
        break;
      }
      i += Character.charCount(c);
    }
    return i;
  }

  private static int signsEnd(String text, int from) {
    int i = from;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      if (isSpace(c) || isLetter(c) || isNumber(c)) {
        break;
      }
      i += Character.charCount(c);
    }
    return i;
  }

  private static int lineEndsEnd(String text, int from) {
    int i = from;
    while (i < text.length() && isLineEnd(text.charAt(i))) {
      i++;
    }
    return i;
  }

  /**
   * A run of spaces ends after its last line end; without one it leaves its last space to the word
   * that follows, if any.
   */
  private static int spacesEnd(String text, int from) {
    int i = from;
    int last = from;
    int lineEnd = -1;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      if (!isSpace(c)) {
        break;
      }
      last = i;
      i += Character.charCount(c);
      if (isLineEnd(c)) {
        lineEnd = i;
      }
    }
    if (lineEnd > 0) {
      return lineEnd;
    }
    return i == text.length() || last == from ? i : last;
  }

  private static boolean isLineEnd(int c) {
    return c == '\r' || c == '\n';
  }

  private static boolean isLetter(int c) {
    return UnicodeClasses.LETTER.has(c);
  }

  private static boolean isNumber(int c) {
    return UnicodeClasses.NUMBER.has(c);
  }

  private static boolean isSpace(int c) {
    return UnicodeClasses.SPACE.has(c);
  }
}
