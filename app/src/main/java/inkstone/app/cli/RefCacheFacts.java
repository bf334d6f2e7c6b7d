package inkstone.app.cli;

import inkstone.model.kv.KvPolicy;
import inkstone.model.pipeline.CacheStats;
import inkstone.model.pipeline.RefCache;
import java.util.LinkedHashMap;
import java.util.Map;

/** What is stored and told of the reference cache. */
final class RefCacheFacts {
  private RefCacheFacts() {}

  /**
   * Adds what makes the picture again: what was asked for, and where memory did not allow it, what
   * was done instead. Nothing when nothing was said and the picture is that of any exact run.
   *
   * @param asked null when nothing was said
   */
  static void put(Map<String, Object> facts, RefCache asked, CacheStats stats) {
    if (asked == null && !stats.approximate()) {
      return;
    }
    KvPolicy policy = asked == null ? KvPolicy.auto() : asked.policy();
    boolean kept = !stats.dtype().isEmpty();
    boolean done = stats.policy().equals(policy.word()) || !kept && !policy.keepsKeys();
    facts.put("ref_cache", done ? policy.word() : stats.policy());
    if (done) {
      putParameters(facts, policy);
    }
    if (kept) {
      facts.put("ref_cache_dtype", stats.dtype());
    }
    if (stats.approximate()) {
      facts.put("approximate", true);
      Map<String, Object> summary = new LinkedHashMap<>();
      summary.put("saved", Math.round(stats.saved() * 1e4) / 1e4);
      summary.put("full_steps", stats.fullSteps());
      summary.put("cached_steps", stats.cachedSteps());
      summary.put("partial_steps", stats.partialSteps());
      facts.put("ref_cache_stats", summary);
    }
  }

  private static void putParameters(Map<String, Object> facts, KvPolicy policy) {
    switch (policy) {
      case KvPolicy.Anchored(int warmup, int every, int first, int last) -> {
        facts.put("ref_cache_warmup", warmup);
        facts.put("ref_cache_every", every == KvPolicy.NEVER ? "never" : every);
        if (first > 0 || last != KvPolicy.LAST_LAYER) {
          facts.put("ref_cache_layers", first + "-" + (last == KvPolicy.LAST_LAYER ? "" : last));
        }
      }
      case KvPolicy.Rolling(int groups, int warmup) -> {
        facts.put("ref_cache_groups", groups);
        facts.put("ref_cache_warmup", warmup);
      }
      case KvPolicy.Adaptive(double budget) -> facts.put("ref_cache_budget", budget);
      case KvPolicy.Causal(boolean bank) -> {
        if (!bank) {
          facts.put("ref_cache_bank", "off");
        }
      }
      case KvPolicy.Auto auto -> {}
      case KvPolicy.Off off -> {}
      case KvPolicy.Exact exact -> {}
    }
  }

  /** Everything that was counted, for the JSON events. */
  static Map<String, Object> event(CacheStats stats) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("policy", stats.policy());
    map.put("dtype", stats.dtype().isEmpty() ? null : stats.dtype());
    map.put("approximate", stats.approximate());
    map.put("full_steps", stats.fullSteps());
    map.put("cached_steps", stats.cachedSteps());
    map.put("partial_steps", stats.partialSteps());
    map.put("prefills", stats.prefills());
    map.put("flop", stats.flop());
    map.put("flop_off", stats.flopOff());
    map.put("saved", stats.saved());
    map.put("rows_computed", stats.rowsComputed());
    map.put("rows_reused", stats.rowsReused());
    map.put("bytes", stats.bytes());
    map.put("bytes_read", stats.bytesRead());
    map.put("hits", stats.hits());
    map.put("misses", stats.misses());
    map.put("missed_fields", stats.missedFields());
    map.put("drift", stats.drift());
    return map;
  }
}
