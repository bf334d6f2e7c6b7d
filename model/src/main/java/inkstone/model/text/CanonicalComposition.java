package inkstone.model.text;

import java.text.Normalizer;

/**
 * NFC as the reference tokenizer computes it. Characters younger than its tables are neither moved
 * nor composed: they stand between the runs that the JDK normalizes. Within such a run every
 * version of Unicode gives the same result, by its stability policy.
 */
final class CanonicalComposition {
  private CanonicalComposition() {}

  /** The NFC form of well-formed text. */
  static String normalize(String text) {
    int start = firstNonAscii(text);
    if (start == text.length()) {
      return text;
    }
    StringBuilder out = null;
    int copied = 0;
    int i = Math.max(0, start - 1);
    while (i < text.length()) {
      int end = runEnd(text, i);
      if (end > i) {
        String run = text.substring(i, end);
        if (!Normalizer.isNormalized(run, Normalizer.Form.NFC)) {
          if (out == null) {
            out = new StringBuilder(text.length());
          }
          out.append(text, copied, i).append(Normalizer.normalize(run, Normalizer.Form.NFC));
          copied = end;
        }
        i = end;
      } else {
        i += Character.charCount(text.codePointAt(i));
      }
    }
    return out == null ? text : out.append(text, copied, text.length()).toString();
  }

  private static int runEnd(String text, int from) {
    int i = from;
    while (i < text.length()) {
      int c = text.codePointAt(i);
      if (!UnicodeClasses.CANONICAL.has(c)) {
        break;
      }
      i += Character.charCount(c);
    }
    return i;
  }

  private static int firstNonAscii(String text) {
    int i = 0;
    while (i < text.length() && text.charAt(i) < 128) {
      i++;
    }
    return i;
  }
}
