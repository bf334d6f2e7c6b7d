package inkstone.app.cli;

import inkstone.app.image.PictureException;
import inkstone.loader.CheckpointException;
import inkstone.model.pipeline.InsufficientMemoryException;
import inkstone.model.pipeline.UnfitModelException;
import java.io.PrintStream;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CancellationException;
import picocli.CommandLine;
import picocli.CommandLine.MissingParameterException;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.OverwrittenOptionException;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.UnmatchedArgumentException;

/** Turns whatever ends a command into one or two lines and an exit code. */
final class Errors {
  private final Cli cli;
  private final boolean json;
  private final boolean verbose;

  /** The arguments tell how to report even when they could not be parsed. */
  Errors(Cli cli, String[] args) {
    this.cli = cli;
    List<String> words = Arrays.asList(args);
    this.json = words.contains("--json");
    this.verbose = words.contains("-v") || words.contains("--verbose");
  }

  /** The arguments don't parse. */
  int usage(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    String help = "'" + command.getCommandSpec().qualifiedName() + " --help' lists what there is";
    return switch (e) {
      case UnmatchedArgumentException unmatched -> unknown(unmatched, help);
      case OverwrittenOptionException twice ->
          report(
              ExitCode.USAGE,
              name(twice.getOverwritten()) + " is given more than once",
              "give it once",
              e);
      case MissingParameterException missing
          when missing.getMissing().size() == 1 && missing.getMissing().getFirst().isOption() ->
          report(ExitCode.USAGE, name(missing.getMissing().getFirst()) + " needs a value", help, e);
      default -> report(ExitCode.USAGE, e.getMessage(), help, e);
    };
  }

  private int unknown(UnmatchedArgumentException e, String help) {
    String first = e.getUnmatched().getFirst();
    boolean root = e.getCommandLine().getParent() == null;
    String kind = first.startsWith("-") ? "option" : root ? "command" : "argument";
    List<String> similar =
        e.getSuggestions().stream()
            .sorted(Comparator.comparingInt(name -> -commonStart(name, first)))
            .limit(3)
            .toList();
    List<String> takers = takers(e.getCommandLine(), first.split("=", 2)[0]);
    String next = help;
    if (!takers.isEmpty()) {
      next = Listing.of(takers) + (takers.size() == 1 ? " takes it; " : " take it; ") + help;
    } else if (!similar.isEmpty()) {
      next = "did you mean " + String.join(" or ", similar) + "? " + help;
    }
    return report(ExitCode.USAGE, "unknown " + kind + " " + Numbers.quoted(first), next, e);
  }

  /** How many characters are the same from the start; an underscore is a hyphen mistyped. */
  private static int commonStart(String name, String typed) {
    int end = Math.min(name.length(), typed.length());
    int at = 0;
    while (at < end && name.charAt(at) == typed.replace('_', '-').charAt(at)) {
      at++;
    }
    return at;
  }

  /** Other commands that have the option. */
  private static List<String> takers(CommandLine command, String option) {
    return command.getParent() == null
        ? List.of()
        : command.getParent().getSubcommands().values().stream()
            .filter(other -> other.getCommandSpec().optionsMap().containsKey(option))
            .map(CommandLine::getCommandName)
            .toList();
  }

  private static String name(ArgSpec arg) {
    return arg instanceof OptionSpec option ? String.join("/", option.names()) : arg.paramLabel();
  }

  /** The command ended with this. */
  int failed(Throwable e) {
    return switch (e) {
      case Failure failure ->
          report(failure.exitCode(), failure.getMessage(), failure.nextStep(), failure);
      case CancellationException cancelled ->
          report(ExitCode.CANCELLED, "cancelled; nothing unfinished is kept", null, cancelled);
      case CheckpointException unfit ->
          report(ExitCode.MODEL, unfit.finding(), unfit.nextStep(), unfit);
      case UnfitModelException unfit when unfit.getCause() instanceof CheckpointException file ->
          report(ExitCode.MODEL, file.finding(), file.nextStep(), unfit);
      case UnfitModelException unfit -> report(ExitCode.MODEL, unfit.getMessage(), null, unfit);
      case PictureException large when large.getCause() instanceof OutOfMemoryError ->
          report(ExitCode.MEMORY, large.getMessage(), null, large);
      case PictureException unfit -> report(ExitCode.USAGE, unfit.getMessage(), null, unfit);
      case InsufficientMemoryException memory ->
          report(ExitCode.MEMORY, memory.getMessage(), null, memory);
      case OutOfMemoryError memory ->
          report(
              ExitCode.MEMORY,
              "not enough memory: " + memory.getMessage(),
              "use a smaller size, or a larger heap with INKSTONE_JAVA_OPTS=-Xmx2g",
              memory);
      case IllegalArgumentException wrong ->
          report(ExitCode.USAGE, wrong.getMessage(), null, wrong);
      default ->
          report(
              ExitCode.UNEXPECTED,
              "unexpected " + e.getClass().getSimpleName() + ": " + e.getMessage(),
              verbose ? "please report it with the trace" : "run again with -v for the trace",
              e);
    };
  }

  /** Says it in one or two lines; a stack trace only with {@code -v}. */
  int report(int exitCode, String cause, String nextStep, Throwable source) {
    PrintStream err = cli.err();
    // On a terminal a bar may still be drawn when the process is told to end.
    err.println((cli.terminal() ? HumanReport.CLEAR_LINE : "") + "inkstone: " + oneLine(cause));
    if (nextStep != null) {
      err.println("  " + oneLine(nextStep));
    }
    if (verbose && source != null && exitCode != ExitCode.CANCELLED) {
      source.printStackTrace(err);
    }
    if (json) {
      cli.out().println(JsonReport.error(exitCode, oneLine(cause), nextStep));
      cli.out().flush();
    }
    err.flush();
    return exitCode;
  }

  private static String oneLine(String text) {
    return String.valueOf(text).replace("\r", "\\r").replace("\n", "\\n");
  }
}
