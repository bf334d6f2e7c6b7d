package inkstone.app.cli;

import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Stage;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * Progress for a person: a bar that redraws itself on a terminal, plain lines elsewhere. Paths of
 * finished pictures go to standard output, all else to standard error.
 */
final class HumanReport implements Report {
  private static final int BAR_WIDTH = 24;
  static final String CLEAR_LINE = "\r\u001b[K";

  /** Without a terminal, quick steps are not worth a line each. */
  private static final long PLAIN_INTERVAL_NANOS = 500_000_000L;

  private final PrintStream out;
  private final PrintStream err;
  private final boolean terminal;
  private final boolean quiet;
  private final boolean verbose;
  private final TimeLeft timeLeft = new TimeLeft();
  private Plan plan;
  private int picture;
  private boolean drawn;
  private long lastLine;

  HumanReport(Cli cli, boolean quiet, boolean verbose) {
    this.out = cli.out();
    this.err = cli.err();
    this.terminal = cli.terminal();
    this.quiet = quiet;
    this.verbose = verbose && !quiet;
  }

  @Override
  public void begin(Plan plan) {
    this.plan = plan;
    if (plan.embedded()) {
      note("model: the embedded tiny-qwen-image-edit (toy scenes only); -m DIR takes another");
    }
    if (plan.seedIsRandom()) {
      note("seed: " + plan.sampling().seed() + " (random; -s sets it)");
    }
  }

  @Override
  public void opened(ModelFacts model, double seconds) {
    if (verbose) {
      line(model.engine() + ", opened in " + TimeLeft.words(seconds));
    }
    if (verbose || !model.resident()) {
      note(model.partsLine());
    }
    if (verbose || model.decidesUnusually()) {
      note(model.zeroCondTLine());
    }
  }

  @Override
  public void note(String message) {
    if (!quiet) {
      line(message);
    }
  }

  @Override
  public void warning(String message) {
    if (!quiet) {
      line("warning: " + message);
    }
  }

  @Override
  public void picture(int index) {
    picture = index;
  }

  @Override
  public void stage(Stage stage) {
    timeLeft.stage();
    if (quiet) {
      return;
    }
    if (terminal) {
      draw(words(stage));
    } else if (stage != Stage.DENOISE) {
      err.println(prefix() + words(stage));
    }
  }

  @Override
  public void memory(long bytes) {
    if (verbose) {
      line(String.format(Locale.ROOT, "memory: at most %.1f MB besides the weights", bytes / 1e6));
    }
  }

  @Override
  public void step(int step, int steps, double sigma) {
    double left = timeLeft.step(step, steps);
    if (quiet) {
      return;
    }
    String time = step < steps ? ", " + TimeLeft.words(left) + " left" : "";
    if (terminal) {
      int filled = (int) ((long) BAR_WIDTH * step / steps);
      String bar = "#".repeat(filled) + "-".repeat(BAR_WIDTH - filled);
      draw("[" + bar + "] step " + step + "/" + steps + time);
      return;
    }
    long now = System.nanoTime();
    if (step == 1 || step == steps || verbose || now - lastLine >= PLAIN_INTERVAL_NANOS) {
      lastLine = now;
      String noise = verbose ? String.format(Locale.ROOT, ", sigma %.4f", sigma) : "";
      err.println(prefix() + "step " + step + "/" + steps + noise + time);
    }
  }

  @Override
  public void preview(String path, int step) {
    if (verbose) {
      line("preview of step " + step + ": " + path);
    }
  }

  @Override
  public void written(String path, int index, Result result, Map<String, Object> metadata) {
    if (!quiet) {
      int steps = plan.sampling().steps();
      line(
          String.format(
              Locale.ROOT,
              "%s%dx%d, %d step%s, seed %d, %s",
              prefix(),
              result.width(),
              result.height(),
              steps,
              steps == 1 ? "" : "s",
              result.seed(),
              TimeLeft.words(result.timings().totalSeconds())));
    }
    boolean references = plan.command().equals("edit");
    if (!quiet && references && (verbose || result.cacheStats().approximate())) {
      line(prefix() + RefCacheLine.of(result.cacheStats()));
    }
    if (verbose) {
      String stages =
          result.timings().stages().entrySet().stream()
              .map(e -> words(e.getKey()) + " " + TimeLeft.words(e.getValue()))
              .collect(Collectors.joining(", "));
      line(stages);
      line(
          String.format(
              Locale.ROOT,
              "at most %.1f MB of tensors besides the weights",
              result.peakBytes() / 1e6));
    }
    clear();
    out.println(path);
    out.flush();
  }

  @Override
  public void drift(String path, Map<String, Object> facts, List<String> summary) {
    if (!quiet) {
      summary.forEach(this::line);
    }
    clear();
    out.println(path);
    out.flush();
  }

  @Override
  public void end(double seconds) {
    if (verbose) {
      line("all done in " + TimeLeft.words(seconds));
    }
  }

  @Override
  public void clear() {
    if (drawn) {
      err.print(CLEAR_LINE);
      err.flush();
      drawn = false;
    }
  }

  private void line(String text) {
    clear();
    err.println(text);
  }

  private void draw(String text) {
    err.print(CLEAR_LINE + prefix() + text);
    err.flush();
    drawn = true;
  }

  private String prefix() {
    return plan != null && plan.pictures() > 1
        ? "picture " + (picture + 1) + "/" + plan.pictures() + ": "
        : "";
  }

  private static String words(Stage stage) {
    return switch (stage) {
      case PREPARE_IMAGES -> "preparing pictures";
      case ENCODE_PROMPT -> "reading the prompt";
      case ENCODE_IMAGES -> "encoding pictures";
      case DENOISE -> "denoising";
      case DECODE -> "decoding";
    };
  }
}
