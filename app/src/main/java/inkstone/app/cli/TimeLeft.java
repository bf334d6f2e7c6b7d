package inkstone.app.cli;

import java.util.Locale;

/** Guesses how long the remaining steps of a picture take, from its last steps. */
final class TimeLeft {
  /** The first steps also warm the machine up, so only the last few count. */
  private static final int WINDOW = 5;

  private final long[] times = new long[WINDOW + 1];
  private int count;

  /** A stage begins: the clock of the steps starts anew. */
  void stage() {
    count = 0;
    record();
  }

  /** Seconds left after this step. */
  double step(int step, int steps) {
    record();
    int measured = Math.min(count - 1, WINDOW);
    if (measured < 1) {
      return 0;
    }
    long last = times[(count - 1) % times.length];
    long first = times[(count - 1 - measured) % times.length];
    return (last - first) / 1e9 / measured * (steps - step);
  }

  private void record() {
    times[count % times.length] = System.nanoTime();
    count++;
  }

  /** Such as {@code 4.1 s}, {@code 3 min 05 s} or {@code 1 h 02 min}. */
  static String words(double seconds) {
    if (seconds < 59.95) {
      return String.format(Locale.ROOT, "%.1f s", seconds);
    }
    long whole = Math.round(seconds);
    if (whole < 3600) {
      return String.format(Locale.ROOT, "%d min %02d s", whole / 60, whole % 60);
    }
    return String.format(Locale.ROOT, "%d h %02d min", whole / 3600, whole % 3600 / 60);
  }
}
