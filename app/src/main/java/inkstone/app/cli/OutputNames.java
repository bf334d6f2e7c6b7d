package inkstone.app.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * File names of a batch: {@code %d} or {@code %03d} in the name becomes the picture's number, which
 * starts at 0 as the offset of its seed does. A batch whose name has no such place gets {@code
 * _%03d} before the extension.
 */
final class OutputNames {
  private static final Pattern NUMBER = Pattern.compile("%(0?[1-9])?d");

  private final String name;
  private final int start;
  private final int end;
  private final int digits;
  private final boolean padded;

  private OutputNames(String name, int start, int end, int digits, boolean padded) {
    this.name = name;
    this.start = start;
    this.end = end;
    this.digits = digits;
    this.padded = padded;
  }

  static OutputNames of(String given, int batchCount) {
    String name = given;
    Matcher number = NUMBER.matcher(name);
    if (!number.find()) {
      if (batchCount == 1) {
        return new OutputNames(name, -1, -1, 0, false);
      }
      int slash = Math.max(name.lastIndexOf('/'), name.lastIndexOf('\\'));
      int dot = name.lastIndexOf('.');
      int at = dot > slash + 1 ? dot : name.length();
      name = name.substring(0, at) + "_%03d" + name.substring(at);
      number = NUMBER.matcher(name);
      if (!number.find(at)) {
        throw new IllegalStateException("no number in " + name);
      }
    }
    String width = number.group(1);
    return new OutputNames(
        name,
        number.start(),
        number.end(),
        width == null ? 0 : width.charAt(width.length() - 1) - '0',
        width != null && width.length() == 2);
  }

  /** Name of picture {@code index}, 0 for the first. */
  String at(int index) {
    if (start < 0) {
      return name;
    }
    String number =
        digits == 0
            ? Integer.toString(index)
            : String.format(Locale.ROOT, "%" + (padded ? "0" : "") + digits + "d", index);
    return name.substring(0, start) + number + name.substring(end);
  }
}
