package inkstone.app.cli;

/** Reads the numbers of options; every message names the option, what it takes and what it got. */
final class Numbers {
  private Numbers() {}

  static int whole(String option, String text, int min, int max) throws Failure {
    return (int) whole(option, text, (long) min, (long) max);
  }

  static long whole(String option, String text, long min, long max) throws Failure {
    try {
      long value = Long.parseLong(text.strip());
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Falls through to the message below.
    }
    throw unfit(option, "a whole number from " + min + " to " + max, text);
  }

  /** A finite number in {@code [min, max]}. */
  static double real(String option, String text, double min, double max) throws Failure {
    try {
      double value = Double.parseDouble(text.strip());
      if (value >= min && value <= max) {
        return value;
      }
    } catch (NumberFormatException e) {
      // Falls through to the message below.
    }
    throw unfit(option, "a number from " + plain(min) + " to " + plain(max), text);
  }

  /** One word of a list, such as {@code auto|on|off}. */
  static String word(String option, String text, String... accepted) throws Failure {
    for (String word : accepted) {
      if (word.equalsIgnoreCase(text.strip())) {
        return word;
      }
    }
    throw unfit(option, String.join(" or ", accepted), text);
  }

  static Failure unfit(String option, String expected, String text) {
    return Failure.usage(
        option + ": expected " + expected + ", got " + quoted(text),
        "--help tells what " + option + " takes");
  }

  /** The text in quotes, shortened so that a message stays a line. */
  static String quoted(String text) {
    String shown = text.length() <= 60 ? text : text.substring(0, 57) + "...";
    return '"' + shown.replace("\n", "\\n") + '"';
  }

  /** Without a trailing ".0". */
  static String plain(double value) {
    return value == Math.rint(value) && Math.abs(value) < 1e15
        ? Long.toString((long) value)
        : Double.toString(value);
  }
}
