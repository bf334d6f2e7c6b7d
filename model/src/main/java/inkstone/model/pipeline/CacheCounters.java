package inkstone.model.pipeline;

import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/** Counts what one run finds in the caches. */
final class CacheCounters {
  private final Map<CacheKind, Integer> hits = new EnumMap<>(CacheKind.class);
  private final Map<CacheKind, Integer> onDisk = new EnumMap<>(CacheKind.class);
  private final Map<CacheKind, List<String>> missed = new EnumMap<>(CacheKind.class);

  void hit(CacheKind kind) {
    hits.merge(kind, 1, Integer::sum);
  }

  /** A value that memory did not have was on disk. */
  void found(CacheKind kind) {
    onDisk.merge(kind, 1, Integer::sum);
  }

  void miss(CacheKind kind, String why) {
    missed.computeIfAbsent(kind, k -> new ArrayList<>()).add(why);
  }

  /** Of every kind, also those that were never asked for. */
  Map<CacheKind, ReuseStats> stats() {
    Map<CacheKind, ReuseStats> stats = new EnumMap<>(CacheKind.class);
    for (CacheKind kind : CacheKind.values()) {
      List<String> why = missed.getOrDefault(kind, List.of());
      stats.put(
          kind,
          new ReuseStats(
              hits.getOrDefault(kind, 0), why.size(), why, onDisk.getOrDefault(kind, 0)));
    }
    return Collections.unmodifiableMap(stats);
  }
}
