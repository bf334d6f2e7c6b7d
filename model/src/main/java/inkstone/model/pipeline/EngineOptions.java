package inkstone.model.pipeline;

/**
 * What an engine is opened with.
 *
 * @param threads worker threads, 1 to 1024
 */
public record EngineOptions(int threads) {
  public EngineOptions {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("threads: expected 1 to 1024, got " + threads);
    }
  }

  /** One thread a processor. */
  public static EngineOptions defaults() {
    return new EngineOptions(Runtime.getRuntime().availableProcessors());
  }
}
