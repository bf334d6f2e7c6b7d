package inkstone.model.pipeline;

import java.util.List;

/**
 * What one run found of one kind in the engine's caches; all zero when the engine remembers nothing
 * ({@link EngineOptions#cacheBytes}).
 *
 * @param hits values that were there
 * @param misses values that had to be computed
 * @param missed for each miss, in order, why: {@code empty} when nothing of the kind was there,
 *     {@code tapped} when the run was not to look, else how the nearest remembered value differed:
 *     {@code pixels}, {@code size}, {@code tiling}, {@code template}, {@code prompt}, {@code
 *     pictures}, several with {@code +} between them
 * @param onDisk how many of the misses {@link PromptCache} had on disk
 */
public record ReuseStats(int hits, int misses, List<String> missed, int onDisk) {
  public ReuseStats {
    missed = List.copyOf(missed);
  }

  /** Nothing on disk. */
  public ReuseStats(int hits, int misses, List<String> missed) {
    this(hits, misses, missed, 0);
  }
}
