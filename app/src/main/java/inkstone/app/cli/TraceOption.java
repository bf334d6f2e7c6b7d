package inkstone.app.cli;

import picocli.CommandLine.Option;

/** For commands that tell nothing more than this with {@code -v}; {@link Errors} looks for it. */
final class TraceOption {
  @Option(
      names = {"-v", "--verbose"},
      description = "Errors with a stack trace")
  boolean verbose;
}
