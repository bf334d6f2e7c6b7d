package inkstone.model.pipeline;

import inkstone.model.lora.LoraFile;
import java.util.List;

/**
 * What an engine is opened with.
 *
 * @param threads worker threads, 1 to 1024
 * @param cacheBytes most off-heap bytes in which the engine remembers, from one request to the
 *     next, reference latents, vision features and prompt embeddings; never changes a picture; 0
 *     remembers nothing
 * @param refCache what edits reuse of their references when they say nothing themselves
 * @param maxRamBytes memory within which the weights of all parts stay mapped; when they take more,
 *     each part is mapped for its stage alone, which never changes a picture; 0 stands for what the
 *     machine has available. It also bounds the anonymous memory of the process: what can't run
 *     within it is refused
 * @param loras what changes the transformer, in order
 * @param promptCache where prompt embeddings are kept on disk
 */
public record EngineOptions(
    int threads,
    long cacheBytes,
    RefCache refCache,
    long maxRamBytes,
    List<LoraFile> loras,
    PromptCache promptCache) {
  /**
   * 256 MiB. Of the published models a reference of 1024×1024 takes 1 MiB of latents and 2.7 MiB of
   * features, each short prompt about it 3.5 MiB.
   */
  public static final long DEFAULT_CACHE_BYTES = 256L << 20;

  /** Bytes of keys and values that may outlive a run, where that is exact. */
  private static final long BANK_BYTES = 2L << 30;

  public EngineOptions {
    loras = List.copyOf(loras);
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException("threads: expected 1 to 1024, got " + threads);
    }
    if (cacheBytes < 0) {
      throw new IllegalArgumentException(
          "cache bytes: expected 0 or more, got " + cacheBytes + "; 0 remembers nothing");
    }
    if (maxRamBytes < 0) {
      throw new IllegalArgumentException(
          "max ram: expected 0 bytes or more, got "
              + maxRamBytes
              + "; 0 stands for what is available");
    }
  }

  /** Remembers up to {@link #DEFAULT_CACHE_BYTES}. */
  public EngineOptions(int threads) {
    this(threads, DEFAULT_CACHE_BYTES);
  }

  /** Within the memory that the machine has available. */
  public EngineOptions(int threads, long cacheBytes, RefCache refCache) {
    this(threads, cacheBytes, refCache, 0, List.of(), PromptCache.OFF);
  }

  /** With {@link RefCache#DEFAULT}. */
  public EngineOptions(int threads, long cacheBytes) {
    this(threads, cacheBytes, RefCache.DEFAULT);
  }

  /** The same within {@code bytes} of memory for weights; 0 for what is available. */
  public EngineOptions withMaxRamBytes(long bytes) {
    return new EngineOptions(threads, cacheBytes, refCache, bytes, loras, promptCache);
  }

  /** The same with other LoRA files. */
  public EngineOptions withLoras(List<LoraFile> files) {
    return new EngineOptions(threads, cacheBytes, refCache, maxRamBytes, files, promptCache);
  }

  /** The same with prompt embeddings kept on disk. */
  public EngineOptions withPromptCache(PromptCache cache) {
    return new EngineOptions(threads, cacheBytes, refCache, maxRamBytes, loras, cache);
  }

  /** Bytes of weights that may stay mapped. */
  long ramBytes() {
    return maxRamBytes > 0 ? maxRamBytes : new MemoryCheck(0).availableBytes();
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
