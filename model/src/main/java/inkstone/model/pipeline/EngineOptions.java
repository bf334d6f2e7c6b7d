package inkstone.model.pipeline;

/**
 * What an engine is opened with.
 *
 * @param threads worker threads, 1 to 1024
 * @param cacheBytes most off-heap bytes in which the engine remembers, from one request to the
 *     next, reference latents, vision features and prompt embeddings; never changes a picture; 0
 *     remembers nothing
 * @param refCache what edits reuse of their references when they say nothing themselves
 */
public record EngineOptions(int threads, long cacheBytes, RefCache refCache) {
  /**
   * 256 MiB. Of the published models a reference of 1024×1024 takes 1 MiB of latents and 2.7 MiB of
   * features, each short prompt about it 3.5 MiB.
   */
  public static final long DEFAULT_CACHE_BYTES = 256L << 20;

  /** Bytes of keys and values that may outlive a run, where that is exact. */
  private static final long BANK_BYTES = 2L << 30;

  public EngineOptions {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("threads: expected 1 to 1024, got " + threads);
    }
    if (cacheBytes < 0) {
      throw new IllegalArgumentException(
          "cache bytes: expected 0 or more, got " + cacheBytes + "; 0 remembers nothing");
    }
  }

  /** Remembers up to {@link #DEFAULT_CACHE_BYTES}. */
  public EngineOptions(int threads) {
    this(threads, DEFAULT_CACHE_BYTES);
  }

  /** With {@link RefCache#DEFAULT}. */
  public EngineOptions(int threads, long cacheBytes) {
    this(threads, cacheBytes, RefCache.DEFAULT);
  }

  /** Bytes of keys and values that outlive a run, where that is exact. */
  long bankBytes() {
    return refCache.maxBytes() > 0 ? refCache.maxBytes() : BANK_BYTES;
  }

  /** One thread a processor. */
  public static EngineOptions defaults() {
    return new EngineOptions(Runtime.getRuntime().availableProcessors());
  }
}
