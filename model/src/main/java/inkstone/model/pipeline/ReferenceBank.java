package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.ReferenceKey;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.ops.Compute;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Keys and values of single references that outlive a request: exact for models whose references
 * attend to themselves alone. Bounded; the least recently used go first. One run at a time uses it.
 */
final class ReferenceBank implements AutoCloseable {
  /** What they depend on. */
  private record Entry(String weights, String lora, ReferenceKey reference, KvLayout layout) {}

  private final TensorArena arena = TensorArena.open("reference bank");
  private final Map<Entry, ReferenceKvCache> caches = new LinkedHashMap<>(16, 0.75f, true);
  private final long maxBytes;

  ReferenceBank(long maxBytes) {
    this.maxBytes = maxBytes;
  }

  /** The kept cache of a reference, or a new one to fill; most recently used from now on. */
  ReferenceKvCache get(
      Compute compute, String weights, String lora, ReferenceKey reference, KvLayout layout) {
    Entry entry = new Entry(weights, lora, reference, layout);
    ReferenceKvCache kept = caches.get(entry);
    if (kept == null) {
      kept = ReferenceKvCache.open(compute, arena, layout);
      caches.put(entry, kept);
    }
    return kept;
  }

  /** After a run: drops what a cut short run left half filled, then the oldest over the bound. */
  void settle() {
    caches
        .values()
        .removeIf(cache -> {
          boolean half = !cache.filled();
          if (half) {
            cache.close();
          }
          return half;
        });
    shrinkTo(maxBytes);
  }

  /** Frees everything, to make room. */
  void clear() {
    shrinkTo(0);
  }

  private void shrinkTo(long bytes) {
    Iterator<ReferenceKvCache> oldest = caches.values().iterator();
    while (arena.allocatedBytes() > bytes && oldest.hasNext()) {
      oldest.next().close();
      oldest.remove();
    }
  }

  /** Bytes in use. */
  long bytes() {
    return arena.allocatedBytes();
  }

  @Override
  public void close() {
    caches.clear();
    arena.close();
  }
}
