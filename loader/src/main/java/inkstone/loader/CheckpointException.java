package inkstone.loader;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/**
 * A file of a model is unfit: missing, damaged, hostile, or of another model. The message is one
 * line and names the file, the tensor or key, the offset where there is one, what was expected and
 * what was found, and what to do.
 */
public final class CheckpointException extends IOException {
  private static final long serialVersionUID = 1L;
  private static final int QUOTED_CHARS = 120;
  private static final int PATH_CHARS = 1000;

  private final String finding;
  private final String nextStep;

  public CheckpointException(String message) {
    this(message, (Throwable) null);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
    this.finding = message;
    this.nextStep = null;
  }

  private CheckpointException(String finding, String nextStep, Throwable cause) {
    super(finding + "; " + nextStep, cause);
    this.finding = finding;
    this.nextStep = nextStep;
  }

  /**
   * {@code <what> (<where>); <next>}.
   *
   * @param what what is wrong: "expected x, got y"
   * @param where file, and the offset inside it where known
   * @param next what the user can do about it
   */
  public static CheckpointException of(String what, Object where, String next) {
    return new CheckpointException(what + " (" + where + ")", next, null);
  }

  /** A file that the system does not let us read. */
  public static CheckpointException unreadable(Object where, IOException cause) {
    if (cause instanceof CheckpointException checkpoint) {
      return checkpoint;
    }
    String reason;
    String next;
    if (cause instanceof NoSuchFileException) {
      reason = "file: expected it here, got nothing";
      next = "check the path, or download the missing file";
    } else if (cause instanceof AccessDeniedException) {
      reason = "file: expected a readable file, got permission denied";
      next = "allow this user to read it";
    } else {
      String message =
          cause instanceof FileSystemException system ? system.getReason() : cause.getMessage();
      reason =
          "file: reading failed, got: "
              + (message == null
                  ? cause.getClass().getSimpleName()
                  : escaped(message, QUOTED_CHARS));
      next = "check the path and the disk";
    }
    return new CheckpointException(reason + " (" + where + ")", next, cause);
  }

  /** The message without {@link #nextStep}. */
  public String finding() {
    return finding;
  }

  /** What the user can do about it; null when the finding says it. */
  public String nextStep() {
    return nextStep;
  }

  /**
   * A name from a file, fit for a message: in quotes, control characters escaped, cut when long.
   */
  public static String quote(String text) {
    return '"' + escaped(text, QUOTED_CHARS) + '"';
  }

  /** A path fit for a message. */
  public static String quote(Path path) {
    return escaped(path.toString(), PATH_CHARS);
  }

  private static String escaped(String text, int longest) {
    StringBuilder out = new StringBuilder();
    for (int i = 0; i < text.length() && i < longest; ) {
      int c = text.codePointAt(i);
      int type = Character.getType(c);
      if (type == Character.CONTROL
          || type == Character.FORMAT
          || type == Character.SURROGATE
          || type == Character.LINE_SEPARATOR
          || type == Character.PARAGRAPH_SEPARATOR) {
        out.append(String.format("\\u%04x", c));
      } else {
        out.appendCodePoint(c);
      }
      i += Character.charCount(c);
    }
    if (text.length() > longest) {
      out.append("… (").append(text.length()).append(" characters)");
    }
    return out.toString();
  }
}
