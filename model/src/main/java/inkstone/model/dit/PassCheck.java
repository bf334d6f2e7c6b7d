package inkstone.model.dit;

import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import java.util.List;

/** Refuses a pass whose plan and caches do not fit the sequence, before its first block. */
final class PassCheck {
  private PassCheck() {}

  /** Caches must be of this model and hold exactly the references of the sequence. */
  static void require(TransformerConfig config, DitState state, ReferencePass reuse) {
    int references = state.images().size() - 1;
    List<ReferenceKvCache> caches = reuse.caches();
    boolean needed =
        switch (reuse.plan()) {
          case StepPlan.Full f -> !caches.isEmpty();
          case StepPlan.Cached c -> references > 0;
          case StepPlan.Partial p -> true;
          case StepPlan.Prefill p -> true;
        };
    if (!needed) {
      return;
    }
    if (reuse.plan() instanceof StepPlan.Prefill(int reference)) {
      requirePrefill(config, reference, references);
    }
    boolean each = reuse.plan() instanceof StepPlan.Prefill || caches.size() > 1;
    boolean may =
        reuse.plan() instanceof StepPlan.Prefill || reuse.plan() instanceof StepPlan.Cached;
    long rows = caches.stream().mapToLong(cache -> cache.layout().rows()).sum();
    boolean fits =
        references > 0
            && rows == state.referenceRows().count()
            && (!each || may && caches.size() == references);
    for (int i = 0; fits && i < caches.size(); i++) {
      KvLayout layout = caches.get(i).layout();
      fits =
          layout.heads() == config.numAttentionHeads()
              && layout.headDim() == config.attentionHeadDim()
              && layout.lastLayer() < config.numLayers()
              && (!each || layout.rows() == state.imageRows(i + 1).count());
    }
    if (!fits) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forwardWithCachedReferences: caches for "
              + reuse.plan()
              + ", expected "
              + state.referenceRows().count()
              + " reference rows of "
              + config.numAttentionHeads()
              + "x"
              + config.attentionHeadDim()
              + " in at most "
              + config.numLayers()
              + " layers, got "
              + caches.stream().map(ReferenceKvCache::layout).toList()
              + "; lay the cache out for this request");
    }
    for (ReferenceKvCache cache : caches) {
      requireLayers(config.numLayers(), reuse.plan(), cache.layout(), caches.size());
    }
  }

  private static void requirePrefill(TransformerConfig config, int reference, int references) {
    if (config.referenceMask() != ReferenceMask.SELF || !config.zeroCondT()) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forwardWithCachedReferences: a prefill needs a model with a causal"
              + " mask of its references and zero_cond_t, got reference_mask "
              + config.referenceMask()
              + ", zero_cond_t "
              + config.zeroCondT()
              + "; use another policy");
    }
    if (reference < 0 || reference >= references) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forwardWithCachedReferences: prefill of reference "
              + reference
              + ", expected 0 to "
              + (references - 1)
              + "; name one of the sequence");
    }
  }

  /** Layers that read or write must be kept; rows that go on behind them need a hidden state. */
  private static void requireLayers(int layers, StepPlan plan, KvLayout layout, int caches) {
    int last = layers - 1;
    boolean fits =
        switch (plan) {
          case StepPlan.Full f -> true;
          case StepPlan.Cached cached -> {
            int read = Math.min(cached.lastLayer(), last);
            yield layout.firstLayer() <= cached.firstLayer()
                && cached.firstLayer() <= read
                && read <= layout.lastLayer()
                && (read == last || layout.resumes() && read == layout.lastLayer() && caches == 1);
          }
          case StepPlan.Partial p -> layout.firstLayer() == 0 && layout.lastLayer() == last;
          case StepPlan.Prefill p -> layout.firstLayer() == 0 && layout.lastLayer() == last;
        };
    if (!fits) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forwardWithCachedReferences: layers of "
              + plan
              + ", expected a cache of all of them, and of the hidden rows when the model's "
              + layers
              + " go on behind them, got "
              + layout
              + "; lay the cache out for the plan");
    }
  }
}
