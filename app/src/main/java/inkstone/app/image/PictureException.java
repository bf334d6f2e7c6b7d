package inkstone.app.image;

import java.io.IOException;

/**
 * A picture that can't be read or written; the message names the file, the cause and what to do.
 */
public final class PictureException extends IOException {
  private static final long serialVersionUID = 1L;

  public PictureException(String message) {
    super(message);
  }

  public PictureException(String message, Throwable cause) {
    super(message, cause);
  }
}
