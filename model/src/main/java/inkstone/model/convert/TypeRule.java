package inkstone.model.convert;

import inkstone.tensor.DType;
import java.util.regex.Pattern;

/**
 * The type of the tensors whose name matches. In a pattern {@code *} stands for any characters, and
 * {@code ?} for one; it has to match the whole name as it is written.
 */
public record TypeRule(String pattern, DType type) {
  /**
   * Reads {@code PATTERN=TYPE}.
   *
   * @throws IllegalArgumentException telling what is wrong with it
   */
  public static TypeRule parse(String text) {
    int equals = text.lastIndexOf('=');
    String pattern = equals < 0 ? "" : text.substring(0, equals).strip();
    DType type = TypeNames.parse(text.substring(equals + 1));
    if (pattern.isEmpty() || type == null) {
      throw new IllegalArgumentException(
          "expected PATTERN=TYPE with a type of "
              + TypeNames.all()
              + ", such as *.attn.*=q8_0, got \""
              + text
              + '"');
    }
    return new TypeRule(pattern, type);
  }

  boolean matches(String name) {
    StringBuilder regex = new StringBuilder();
    for (int i = 0; i < pattern.length(); i++) {
      char c = pattern.charAt(i);
      regex.append(c == '*' ? ".*" : c == '?' ? "." : Pattern.quote(String.valueOf(c)));
    }
    return Pattern.matches(regex.toString(), name);
  }
}
