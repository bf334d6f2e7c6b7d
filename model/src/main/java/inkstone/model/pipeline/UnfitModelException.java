package inkstone.model.pipeline;

/** The opened model can't do what was asked, whatever the request's values. */
public final class UnfitModelException extends IllegalStateException {
  private static final long serialVersionUID = 1L;

  public UnfitModelException(String message) {
    super(message);
  }

  public UnfitModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
