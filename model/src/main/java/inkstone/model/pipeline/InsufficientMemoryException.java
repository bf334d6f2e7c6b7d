package inkstone.model.pipeline;

/** A run would need more memory than the machine has; found before any of it is used. */
public final class InsufficientMemoryException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  public InsufficientMemoryException(String message) {
    super(message);
  }
}
