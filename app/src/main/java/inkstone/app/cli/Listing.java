package inkstone.app.cli;

import java.util.List;

/** Words as a sentence lists them. */
final class Listing {
  private Listing() {}

  /** "a", "a and b", "a, b and c". */
  static String of(List<String> words) {
    int last = words.size() - 1;
    return last < 1
        ? String.join("", words)
        : String.join(", ", words.subList(0, last)) + " and " + words.get(last);
  }
}
