package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one job carries from stage to stage: its memory, its clock, who listens, who may stop it.
 */
final class Run implements AutoCloseable {
  final TensorArena arena = TensorArena.open("run");
  final List<String> warnings = new ArrayList<>();
  final CacheCounters counters = new CacheCounters();
  final Listener listener;
  final Taps taps;

  /** False when nobody looks, so that nothing need be made for taps alone. */
  final boolean tapped;

  /** What the steps reused; null before they are through. */
  CacheStats cacheStats;

  private final CancelToken cancel;
  private final IdentityHashMap<Part<?>, Object> held = new IdentityHashMap<>();
  private final Map<Stage, Double> seconds = new EnumMap<>(Stage.class);
  private Stage current;
  private long startedNanos;

  Run(Listener listener, CancelToken cancel, Taps taps) {
    this.listener = listener;
    this.cancel = cancel;
    this.taps = new RunTaps(cancel, taps);
    this.tapped = !taps.equals(Taps.NONE);
  }

  /** Ends the stage before and begins {@code stage}. */
  void stage(Stage stage) {
    cancel.throwIfCancelled();
    endStage();
    releaseParts();
    current = stage;
    startedNanos = System.nanoTime();
    listener.stage(stage);
  }

  /** The network of a part, mapped until the stage ends. */
  @SuppressWarnings("unchecked") // put under the part that gave it
  <T> T hold(Part<T> part) {
    return (T) held.computeIfAbsent(part, Part::acquire);
  }

  private void releaseParts() {
    held.keySet().forEach(Part::release);
    held.clear();
  }

  /** Ends the last stage; the times of all. */
  Timings finish() {
    cancel.throwIfCancelled();
    endStage();
    releaseParts();
    return new Timings(Collections.unmodifiableMap(new EnumMap<>(seconds)));
  }

  /** Obeys the token but taps nothing: for work beside the run itself, such as previews. */
  Taps stopOnly() {
    return watchedBy(Taps.NONE);
  }

  /** Obeys the token and shows to {@code watcher} in place of the run's own taps. */
  Taps watchedBy(Taps watcher) {
    return new RunTaps(cancel, watcher);
  }

  private void endStage() {
    if (current != null) {
      seconds.merge(current, (System.nanoTime() - startedNanos) / 1e9, Double::sum);
    }
    current = null;
  }

  /** Frees everything that the job allocated. */
  @Override
  public void close() {
    releaseParts();
    arena.close();
  }
}
