package inkstone.model.text;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.IntConsumer;

/**
 * Finds added tokens in text: leftmost first, of several at one place the longest, then the word
 * and space rules of the token found. Immutable.
 */
final class AddedTokenMatcher {
  private final Node root = new Node();

  /** A place in the tree of contents. */
  private static final class Node {
    private final Map<Character, Node> children = new HashMap<>();
    private AddedToken token;
  }

  /** Tokens with the text to look for; of two with the same text the last wins. */
  AddedTokenMatcher(List<AddedToken> tokens) {
    for (AddedToken token : tokens) {
      String text =
          token.normalized() ? CanonicalComposition.normalize(token.content()) : token.content();
      Node node = root;
      for (int i = 0; i < text.length(); i++) {
        node = node.children.computeIfAbsent(text.charAt(i), c -> new Node());
      }
      node.token = token;
    }
  }

  /** Cuts {@code text}: ids go to {@code found}, the text between them to {@code between}. */
  void split(String text, IntConsumer found, Consumer<String> between) {
    int done = 0;
    int i = 0;
    while (i < text.length()) {
      Node match = null;
      int matchEnd = i;
      Node node = root;
      for (int j = i; j < text.length() && node != null; j++) {
        node = node.children.get(text.charAt(j));
        if (node != null && node.token != null) {
          match = node;
          matchEnd = j + 1;
        }
      }
      if (match == null) {
        i++;
        continue;
      }
      AddedToken token = match.token;
      int start = i;
      int end = matchEnd;
      i = matchEnd;
      if (token.singleWord() && (wordBefore(text, start) || wordAt(text, end))) {
        continue;
      }
      if (token.lstrip()) {
        start = Math.max(spacesStart(text, start), done);
      }
      if (token.rstrip()) {
        end = spacesEnd(text, end);
      }
      if (done < start) {
        between.accept(text.substring(done, start));
      }
      found.accept(token.id());
      done = end;
    }
    if (done < text.length()) {
      between.accept(text.substring(done));
    }
  }

  private static boolean wordBefore(String text, int at) {
    return at > 0 && UnicodeClasses.WORD.has(text.codePointBefore(at));
  }

  private static boolean wordAt(String text, int at) {
    return at < text.length() && UnicodeClasses.WORD.has(text.codePointAt(at));
  }

  private static int spacesStart(String text, int from) {
    int i = from;
    while (i > 0 && UnicodeClasses.SPACE.has(text.codePointBefore(i))) {
      i -= Character.charCount(text.codePointBefore(i));
    }
    return i;
  }

  private static int spacesEnd(String text, int from) {
    int i = from;
    while (i < text.length() && UnicodeClasses.SPACE.has(text.codePointAt(i))) {
      i += Character.charCount(text.codePointAt(i));
    }
    return i;
  }
}
