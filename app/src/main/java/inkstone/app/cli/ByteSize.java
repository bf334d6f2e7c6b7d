package inkstone.app.cli;

import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Reads sizes of memory as people write them: 2G, 512MiB, 1.5GB, 1048576. */
final class ByteSize {
  private static final Pattern SIZE =
      Pattern.compile("(\\d{1,18}(?:\\.\\d{1,9})?) ?(?:([kmgt])(b|ib)?|b)?");
  private static final String UNITS = "kmgt";

  private ByteSize() {}

  /**
   * Bytes. As GNU's tools read it, K and KiB are 1024 bytes, KB is 1000.
   *
   * @param min fewest bytes that make sense; catches a forgotten unit
   */
  static long parse(String option, String text, long min) throws Failure {
    Matcher matcher = SIZE.matcher(text.strip().toLowerCase(Locale.ROOT));
    if (matcher.matches()) {
      int power = matcher.group(2) == null ? 0 : UNITS.indexOf(matcher.group(2)) + 1;
      double unit = Math.pow("b".equals(matcher.group(3)) ? 1000 : 1024, power);
      double bytes = Math.floor(Double.parseDouble(matcher.group(1)) * unit);
      if (bytes >= min && bytes <= 1L << 50) {
        return (long) bytes;
      }
    }
    throw Numbers.unfit(option, "a size from " + min + " bytes to 1024T, such as 512M or 2G", text);
  }
}
