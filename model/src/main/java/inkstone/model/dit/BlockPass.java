package inkstone.model.dit;

import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import inkstone.ops.Compute;
import inkstone.ops.KeyValue;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Set;

/**
 * One forward pass as its blocks see it: which rows each block computes, which of them go on, what
 * is kept, and which keys the rows attend to. The blocks themselves know nothing of plans.
 *
 * <p>L text, T target, R reference tokens, N their sum.
 */
final class BlockPass {
  /** Queries that attend to the same keys. */
  record Part(DitState.Rows queries, List<KeyValue> keys) {}

  private final Compute compute;
  private final DitState state;
  private final ReferencePass reuse;
  private final float timestep;
  private final int lastLayer;
  private final boolean causal;
  private final boolean recalls; // whether block 0 takes its references from the memo
  private final ActiveRows whole;
  private final ActiveRows withoutReferences;
  private final ActiveRows planned;
  private final int[] slice; // chosen reference rows, or null

  /**
   * @param compute null to ask and count, not to compute
   * @param layers blocks of the transformer
   * @param causal whether references attend to themselves alone
   */
  BlockPass(
      Compute compute,
      DitState state,
      ReferencePass reuse,
      float timestep,
      int layers,
      boolean causal) {
    this.compute = compute;
    this.state = state;
    this.reuse = reuse;
    this.timestep = timestep;
    this.lastLayer = layers - 1;
    this.causal = causal;
    recalls =
        reuse.memo() != null
            && reuse.memo().firstBlockKnown() // before this pass, which may make it known
            && !reads(0)
            && !(reuse.plan() instanceof StepPlan.Prefill);
    whole = state.everything();
    withoutReferences = state.withoutReferences();
    slice =
        reuse.plan() instanceof StepPlan.Partial partial
            ? partial.rows(state.referenceRows().count())
            : null;
    planned =
        switch (reuse.plan()) {
          case StepPlan.Full f -> whole;
          case StepPlan.Cached c -> withoutReferences;
          case StepPlan.Partial p -> state.slice(compute, slice);
          case StepPlan.Prefill p -> state.reference(p.reference());
        };
  }

  /** Reference rows of the plan's slice; null when it has none. */
  int[] slice() {
    return slice;
  }

  /** Rows of the hidden state that block {@code layer} finds. */
  ActiveRows rows(int layer) {
    return reads(layer) || !(reuse.plan() instanceof StepPlan.Cached) ? planned : whole;
  }

  /** Rows whose queries, keys and values block {@code layer} projects. */
  ActiveRows fresh(int layer) {
    return recallsFirstBlock(layer) ? withoutReferences : rows(layer);
  }

  /** Rows whose queries block {@code layer} projects. */
  ActiveRows queries(int layer) {
    ActiveRows fresh = fresh(layer);
    ActiveRows onward = onward(layer);
    if (onward.isEmpty()) {
      return onward;
    }
    return fresh.image().to() < onward.image().to() ? fresh : onward;
  }

  /** Rows that go through the attention and feed-forward of block {@code layer}. */
  ActiveRows onward(int layer) {
    if (reuse.memo() == null) {
      return rows(layer);
    }
    if (layer == lastLayer) {
      return reuse.plan() instanceof StepPlan.Prefill ? state.nothing() : state.target();
    }
    return reads(layer + 1) ? withoutReferences : rows(layer);
  }

  /** Whether block {@code layer} reads keys of a cache and none of its references' own rows. */
  private boolean reads(int layer) {
    return reuse.plan() instanceof StepPlan.Cached cached
        && layer >= cached.firstLayer()
        && layer <= Math.min(cached.lastLayer(), lastLayer);
  }

  private boolean recallsFirstBlock(int layer) {
    return layer == 0 && recalls;
  }

  /** Modulations that block {@code layer} needs. */
  Set<DitState.Condition> conditions(int layer) {
    Set<DitState.Condition> conditions = EnumSet.noneOf(DitState.Condition.class);
    fresh(layer).spans().forEach(span -> conditions.add(span.condition()));
    onward(layer).spans().forEach(span -> conditions.add(span.condition()));
    return conditions;
  }

  /** Modulation of a condition in block {@code layer}, from the memo or computed. */
  void modulate(int layer, DitState.Condition condition, Modulation modulation) {
    Modulation.Vectors out = state.modulation(condition);
    ExactMemo memo = reuse.memo();
    if (memo != null && memo.recallModulation(condition, layer, timestep, out)) {
      return;
    }
    modulation.forward(compute, state.lora, out, state.siluTemb(condition)); // 6 × [D]
    state.counter.modulation();
    if (memo != null) {
      memo.keepModulation(condition, layer, timestep, out);
    }
  }

  /**
   * Completes queries, keys and values of block {@code layer} from what is kept, and keeps them.
   */
  void exchange(int layer) {
    DitState.Rows references = new DitState.Rows(state.targetRows().to(), rows(layer).image().to());
    if (recallsFirstBlock(layer) && references.count() > 0) {
      reuse
          .memo()
          .recallFirstBlock(
              compute,
              slice,
              references.of(state.query),
              references.of(state.key),
              references.of(state.value));
    }
    switch (reuse.plan()) {
      case StepPlan.Full f -> keepAll(layer, references);
      case StepPlan.Partial p -> keepSlice(layer, references);
      case StepPlan.Prefill p -> keepPrefill(layer, p.reference());
      case StepPlan.Cached c -> {}
    }
  }

  private void keepAll(int layer, DitState.Rows references) {
    if (layer == 0 && reuse.memo() != null && references.count() > 0) {
      reuse
          .memo()
          .keepFirstBlock(
              references.of(state.query), references.of(state.key), references.of(state.value));
    }
    for (ReferenceKvCache cache : reuse.caches()) {
      if (cache.layout().keeps(layer)) {
        cache.put(
            layer,
            references.of(state.key),
            references.of(state.value),
            references.of(state.attended));
      }
    }
  }

  private void keepSlice(int layer, DitState.Rows references) {
    Tensor key = references.of(state.key); // [r, H, d]
    Tensor scratch = references.of(state.normed).view(key.shape().toArray());
    reuse
        .caches()
        .getFirst()
        .put(layer, slice, key, references.of(state.value), references.of(state.attended), scratch);
  }

  private void keepPrefill(int layer, int reference) {
    DitState.Rows rows = state.imageRows(reference + 1);
    reuse
        .caches()
        .get(reference)
        .put(layer, rows.of(state.key), rows.of(state.value), rows.of(state.attended));
  }

  /** Who attends to what in block {@code layer}. */
  List<Part> parts(int layer) {
    ActiveRows onward = onward(layer);
    if (onward.isEmpty()) {
      return List.of();
    }
    if (reuse.plan() instanceof StepPlan.Prefill(int reference)) {
      DitState.Rows rows = state.imageRows(reference + 1);
      return List.of(new Part(rows, List.of(own(rows))));
    }
    List<KeyValue> references = referenceKeys(layer);
    DitState.Rows without = withoutReferences.all();
    List<KeyValue> keys = new ArrayList<>();
    keys.add(own(without));
    keys.addAll(references);
    requireAllTokens(layer, keys);
    if (!causal) {
      return List.of(new Part(onward.all(), keys));
    }
    List<Part> parts = new ArrayList<>();
    parts.add(new Part(upTo(onward.all(), without.to()), keys));
    addCausal(parts, onward, references);
    return parts;
  }

  private static DitState.Rows upTo(DitState.Rows rows, long to) {
    return new DitState.Rows(rows.from(), Math.min(rows.to(), to));
  }

  /** Rows of each reference attend to that reference alone. */
  private void addCausal(List<Part> parts, ActiveRows onward, List<KeyValue> references) {
    long at = state.targetRows().to();
    long end = onward.image().to();
    long first = 0;
    for (int reference = 0; at < end; reference++) {
      long tokens = state.imageRows(reference + 1).count();
      long rows = slice == null ? tokens : chosen(first, first + tokens);
      KeyValue all =
          references.size() == 1
              ? range(references.getFirst(), first, tokens)
              : references.get(reference);
      if (rows > 0) {
        parts.add(new Part(new DitState.Rows(at, at + rows), List.of(all)));
      }
      at += rows;
      first += tokens;
    }
  }

  private long chosen(long from, long to) {
    long count = 0;
    for (int row : slice) {
      count += row >= from && row < to ? 1 : 0;
    }
    return count;
  }

  private static KeyValue range(KeyValue all, long from, long count) {
    return new KeyValue(all.k().rows(from, from + count), all.v().rows(from, from + count));
  }

  /** Keys and values of all reference rows, in order. */
  private List<KeyValue> referenceKeys(int layer) {
    DitState.Rows rows = state.referenceRows();
    if (rows.count() == 0) {
      return List.of();
    }
    boolean partial = reuse.plan() instanceof StepPlan.Partial;
    if (!reads(layer) && !partial || compute == null) {
      return List.of(own(rows));
    }
    List<KeyValue> keys = new ArrayList<>();
    long at = rows.from();
    for (ReferenceKvCache cache : reuse.caches()) {
      DitState.Rows scratch = new DitState.Rows(at, at + cache.layout().rows());
      keys.add(cache.keyValue(layer, scratch.of(state.key), scratch.of(state.value)));
      at = scratch.to();
    }
    return keys;
  }

  private KeyValue own(DitState.Rows rows) {
    return new KeyValue(rows.of(state.key), rows.of(state.value));
  }

  /** A static token that vanished from the keys would change every row without a trace. */
  private void requireAllTokens(int layer, List<KeyValue> keys) {
    long count = keys.stream().mapToLong(part -> part.k().dim(0)).sum();
    if (count != state.tokens()) {
      throw new IllegalStateException(
          "QwenImageTransformer: block "
              + layer
              + ": keys, expected one for each of the "
              + state.tokens()
              + " tokens, got "
              + count
              + " under "
              + reuse.plan()
              + "; give caches of all references");
    }
  }

  /** Attention of a part has been done. */
  void attended(Part part) {
    long keys = part.keys().stream().mapToLong(key -> key.k().dim(0)).sum();
    state.counter.attention(state.config().innerDim(), part.queries().count(), keys);
  }

  /**
   * Block {@code layer} is through: counts it, and carries hidden rows past blocks without them.
   */
  void end(int layer) {
    long projected = fresh(layer).count();
    // A prefill takes nothing from anywhere: its reference is all it is about.
    boolean alone = reuse.plan() instanceof StepPlan.Prefill;
    state.counter.block(
        state.config().innerDim(),
        projected,
        queries(layer).count(),
        onward(layer).count(),
        alone ? 0 : state.tokens() - projected);
    Tensor references = state.referenceRows().of(state.hidden);
    for (ReferenceKvCache cache : reuse.caches()) {
      if (cache.layout().resumes() && layer == cache.layout().lastLayer()) {
        if (reuse.plan() instanceof StepPlan.Full) {
          cache.putResume(references);
        } else {
          cache.copyResume(references);
        }
      }
    }
  }
}
