package inkstone.app.cli;

import inkstone.model.convert.ConvertListener;
import java.io.PrintStream;
import java.util.Locale;

/** Tells which tensor is on its way: one line that redraws itself on a terminal, else lines. */
final class ConvertProgress implements ConvertListener {
  /** Without a terminal, quick tensors are not worth a line each. */
  private static final long PLAIN_INTERVAL_NANOS = 500_000_000L;

  private final PrintStream err;
  private final boolean terminal;
  private final boolean quiet;
  private final boolean verbose;
  private final long start = System.nanoTime();
  private boolean drawn;
  private long lastLine = System.nanoTime();

  ConvertProgress(Cli cli, boolean quiet, boolean verbose) {
    this.err = cli.err();
    this.terminal = cli.terminal();
    this.quiet = quiet;
    this.verbose = verbose;
  }

  @Override
  public void tensor(
      String file,
      String tensor,
      String from,
      String to,
      int index,
      int count,
      long bytesDone,
      long bytesAll) {
    if (quiet) {
      return;
    }
    long now = System.nanoTime();
    String types = from.equals(to) ? to : from + " to " + to;
    String left = "";
    if (bytesDone > 0) {
      double seconds = (now - start) / 1e9 / bytesDone * (bytesAll - bytesDone);
      left = ", " + TimeLeft.words(seconds) + " left";
    }
    String line =
        String.format(
            Locale.ROOT,
            "%s: %d/%d %s %s, %.1f of %.1f MB%s",
            Printable.of(file),
            index,
            count,
            Printable.of(tensor),
            types,
            bytesDone / 1e6,
            bytesAll / 1e6,
            left);
    if (verbose) {
      clear();
      err.println(line);
    } else if (terminal) {
      err.print(HumanReport.CLEAR_LINE + line);
      err.flush();
      drawn = true;
    } else if (now - lastLine >= PLAIN_INTERVAL_NANOS) {
      lastLine = now;
      err.println(line);
    }
  }

  void clear() {
    if (drawn) {
      err.print(HumanReport.CLEAR_LINE);
      err.flush();
      drawn = false;
    }
  }
}
