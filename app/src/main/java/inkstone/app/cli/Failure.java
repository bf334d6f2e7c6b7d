package inkstone.app.cli;

/** Ends a command with one or two lines: the cause, then what to do. */
final class Failure extends Exception {
  private static final long serialVersionUID = 1L;

  private final int exitCode;
  private final String nextStep;

  private Failure(int exitCode, String cause, String nextStep, Throwable source) {
    super(cause, source);
    this.exitCode = exitCode;
    this.nextStep = nextStep;
  }

  static Failure usage(String cause, String nextStep) {
    return new Failure(ExitCode.USAGE, cause, nextStep, null);
  }

  static Failure usage(String cause, String nextStep, Throwable source) {
    return new Failure(ExitCode.USAGE, cause, nextStep, source);
  }

  static Failure model(String cause, String nextStep) {
    return new Failure(ExitCode.MODEL, cause, nextStep, null);
  }

  static Failure memory(String cause, String nextStep) {
    return new Failure(ExitCode.MEMORY, cause, nextStep, null);
  }

  static Failure unexpected(String cause, String nextStep, Throwable source) {
    return new Failure(ExitCode.UNEXPECTED, cause, nextStep, source);
  }

  int exitCode() {
    return exitCode;
  }

  /** What to do about it, or null when the cause says it. */
  String nextStep() {
    return nextStep;
  }
}
