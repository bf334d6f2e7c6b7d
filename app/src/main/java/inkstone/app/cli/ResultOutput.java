package inkstone.app.cli;

import java.io.IOException;
import java.io.OutputStream;

/**
 * Standard output that remembers why it failed. A reader that went away, as {@code | head} does, is
 * no fault; a full disk is.
 */
final class ResultOutput extends OutputStream {
  private final OutputStream out;
  private IOException failure;

  ResultOutput(OutputStream out) {
    this.out = out;
  }

  @Override
  public void write(int b) throws IOException {
    write(new byte[] {(byte) b}, 0, 1);
  }

  @Override
  public void write(byte[] bytes, int offset, int length) throws IOException {
    try {
      out.write(bytes, offset, length);
    } catch (IOException e) {
      remember(e);
      throw e;
    }
  }

  @Override
  public void flush() throws IOException {
    try {
      out.flush();
    } catch (IOException e) {
      remember(e);
      throw e;
    }
  }

  private void remember(IOException e) {
    if (failure == null) {
      failure = e;
    }
  }

  /** Why results were lost, or null when they were not or nobody wanted them any more. */
  String loss() {
    if (failure == null) {
      return null;
    }
    String message = String.valueOf(failure.getMessage());
    boolean readerLeft = message.contains("roken pipe") || message.contains("pipe is being closed");
    return readerLeft ? null : message;
  }
}
