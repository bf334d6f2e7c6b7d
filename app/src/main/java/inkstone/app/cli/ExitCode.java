package inkstone.app.cli;

/** What the process returns. */
final class ExitCode {
  static final int DONE = 0;

  /** A fault of the program or of the machine, such as a full disk. */
  static final int UNEXPECTED = 1;

  /** What was asked can't be done: options, prompt, pictures, output. */
  static final int USAGE = 2;

  /** The model folder or file is missing, damaged or of a kind that is not supported. */
  static final int MODEL = 3;

  static final int MEMORY = 4;

  /** Ctrl-C or a request to terminate. */
  static final int CANCELLED = 130;

  private ExitCode() {}
}
