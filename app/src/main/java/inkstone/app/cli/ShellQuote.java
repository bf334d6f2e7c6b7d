package inkstone.app.cli;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Arguments as a POSIX shell reads them back. */
final class ShellQuote {
  private static final Pattern PLAIN = Pattern.compile("[A-Za-z0-9_@%+=:,./-]+");

  private ShellQuote() {}

  static String join(List<String> words) {
    return words.stream().map(ShellQuote::quote).collect(Collectors.joining(" "));
  }

  static String quote(String word) {
    if (PLAIN.matcher(word).matches()) {
      return word;
    }
    boolean drivesTerminal =
        word.chars().anyMatch(c -> Character.isISOControl(c) && c != '\n' && c != '\t');
    return drivesTerminal ? ansiC(word) : "'" + word.replace("'", "'\\''") + "'";
  }

  /** Bash's and zsh's quoting with escapes, for control characters that no terminal should see. */
  private static String ansiC(String word) {
    StringBuilder quoted = new StringBuilder("$'");
    for (int i = 0; i < word.length(); i++) {
      char c = word.charAt(i);
      if (Character.isISOControl(c)) {
        quoted.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
      } else {
        if (c == '\'' || c == '\\') {
          quoted.append('\\');
        }
        quoted.append(c);
      }
    }
    return quoted.append('\'').toString();
  }
}
