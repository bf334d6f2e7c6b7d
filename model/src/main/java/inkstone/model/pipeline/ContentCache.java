package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * What an engine has computed and may need again: the same content gives the same bits, so a value
 * found is the value that would be computed. Bounded in bytes; the least recently used goes first.
 *
 * <p>Values are copied on the way in and on the way out, so that nothing here can be changed by a
 * run, nor vanish under one. Only finished values come in. A run with taps finds nothing, since its
 * taps are to see every layer work; what it computes is kept all the same.
 *
 * <p>Thread-safe: pictures may be dropped while a run is under way.
 */
final class ContentCache implements AutoCloseable {
  /** {@code bytes} are those of the value and of the key's text. */
  private record Entry(TensorArena arena, Tensor value, long bytes) {}

  private final TensorArena arena = TensorArena.open("cache");
  private final Map<ContentKey, Entry> entries = new LinkedHashMap<>(16, 0.75f, true);
  private final long limitBytes;
  private long bytes;

  /**
   * @param limitBytes most bytes to hold; 0 remembers nothing, and counts nothing
   */
  ContentCache(long limitBytes) {
    this.limitBytes = limitBytes;
  }

  /** The value of {@code key} in the run's memory: a copy of the one here, or the computed one. */
  Tensor reuse(Run run, Supplier<ContentKey> key, Supplier<Tensor> compute) {
    if (limitBytes == 0) {
      return compute.get();
    }
    ContentKey wanted = key.get();
    Tensor found = find(run, wanted, null);
    if (found != null) {
      return found;
    }
    Tensor computed = compute.get();
    keep(wanted, computed);
    return computed;
  }

  /** Fills {@code into} with the value of {@code key}; {@code compute} does it on a miss. */
  void reuse(Run run, Supplier<ContentKey> key, Tensor into, Runnable compute) {
    if (limitBytes == 0) {
      compute.run();
      return;
    }
    ContentKey wanted = key.get();
    if (find(run, wanted, into) == null) {
      compute.run();
      keep(wanted, into);
    }
  }

  private synchronized Tensor find(Run run, ContentKey key, Tensor into) {
    Entry entry = run.tapped ? null : entries.get(key);
    if (entry == null) {
      run.counters.miss(key.kind(), run.tapped ? "tapped" : whyMissed(key));
      return null;
    }
    Tensor value = entry.value;
    Tensor copy =
        into == null
            ? Tensor.allocate(run.arena, value.name(), value.dtype(), value.shape())
            : into;
    copy.copyFrom(value);
    run.counters.hit(key.kind());
    return copy;
  }

  /** How the nearest key differs; of equally near ones the one used last. */
  private String whyMissed(ContentKey key) {
    List<String> nearest = null;
    for (ContentKey other : entries.keySet()) {
      if (other.kind() == key.kind()) {
        List<String> differences = key.differences(other);
        if (nearest == null || differences.size() <= nearest.size()) {
          nearest = differences;
        }
      }
    }
    return nearest == null ? "empty" : String.join("+", nearest);
  }

  /** Copies {@code value} in, unless it is there or larger than everything may be. */
  synchronized void keep(ContentKey key, Tensor value) {
    long needed = value.segment().byteSize() + key.textBytes();
    if (needed > limitBytes || entries.get(key) != null) {
      return;
    }
    makeRoom(needed - (limitBytes - bytes));
    TensorArena own = arena.child("entry");
    boolean kept = false;
    try {
      Tensor copy = Tensor.allocate(own, value.name(), value.dtype(), value.shape());
      copy.copyFrom(value);
      entries.put(key, new Entry(own, copy, needed));
      bytes += needed;
      kept = true;
    } finally {
      if (!kept) {
        own.close();
      }
    }
  }

  /** Drops the least recently used until {@code wantedBytes} are free or nothing is left. */
  synchronized void makeRoom(long wantedBytes) {
    long freed = 0;
    Iterator<Entry> oldest = entries.values().iterator();
    while (freed < wantedBytes && oldest.hasNext()) {
      Entry entry = oldest.next();
      freed += entry.bytes;
      oldest.remove();
      free(entry);
    }
  }

  /** Drops everything that a picture of that digest went into. */
  synchronized void drop(String digest) {
    entries
        .entrySet()
        .removeIf(entry -> {
          boolean drops = entry.getKey().shows(digest);
          if (drops) {
            free(entry.getValue());
          }
          return drops;
        });
  }

  private void free(Entry entry) {
    bytes -= entry.bytes;
    entry.arena.close();
  }

  /** Bytes of values of that size in all that stay within the bound. */
  long bounded(long wanted) {
    return Math.min(wanted, limitBytes);
  }

  /** Off-heap bytes held now. */
  long allocatedBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public synchronized void close() {
    entries.clear();
    bytes = 0;
    arena.close();
  }
}
