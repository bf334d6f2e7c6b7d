package inkstone.loader.write;

import java.io.IOException;

/** A file can't be written. The message names it and the cause; what to do is beside it. */
public final class OutputException extends IOException {
  private static final long serialVersionUID = 1L;

  private final boolean refused;
  private final String nextStep;

  private OutputException(boolean refused, String message, String nextStep, Throwable cause) {
    super(message, cause);
    this.refused = refused;
    this.nextStep = nextStep;
  }

  /** The request can't be met as it is: another name or option is needed. */
  public static OutputException refused(String message, String nextStep) {
    return new OutputException(true, message, nextStep, null);
  }

  /** The machine failed, a full disk for instance. */
  public static OutputException failed(String message, String nextStep, Throwable cause) {
    return new OutputException(false, message, nextStep, cause);
  }

  /** Whether the request is at fault, not the machine. */
  public boolean isRefused() {
    return refused;
  }

  /** What to do about it. */
  public String nextStep() {
    return nextStep;
  }
}
