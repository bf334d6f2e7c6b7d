package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.json.Json;
import inkstone.model.debug.Taps;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Forward passes with kept keys and values against reference/kv_twin.py, which does the same inside
 * diffusers' transformer. docs/parity.md has the figures.
 */
final class CachedForwardParityTest {
  /** Largest error over the root mean square; that of a forward without a cache. */
  private static final double STREAM = 5e-5;

  @ParameterizedTest
  @ValueSource(strings = {"dit_h32", "dit_h64", "dit_z4", "dit_tiny"})
  void aCachedPassGivesWhatTheTwinGives(String name) throws CheckpointException {
    try (Rig rig = new Rig(name)) {
      Golden golden = rig.golden;
      Tensor full = golden.tensor("full.image_tokens");
      try (ReferenceKvCache cache = rig.cache(0, KvPolicy.LAST_LAYER)) {
        rig.check("full.output", rig.forward(StepPlan.FULL, cache, full, "full.timestep"));
        rig.checkKept(cache, "");
        Tensor later = rig.withTarget(full, golden.tensor("cached.target_tokens"));
        rig.check("uncached.output", rig.forward(StepPlan.FULL, null, later, "cached.timestep"));
        // A cached pass must not look at the tokens of the references.
        Tensor blind = rig.withoutReferences(later);
        StepPlan cached = new StepPlan.Cached(0, KvPolicy.LAST_LAYER);
        rig.check("cached.output", rig.forward(cached, cache, blind, "cached.timestep"));

        StepPlan.Partial partial =
            new StepPlan.Partial(rig.request.get("partial").get("groups").asInt(), List.of(0));
        rig.forward(StepPlan.FULL, cache, full, "full.timestep");
        rig.check("partial.output", rig.forward(partial, cache, later, "cached.timestep"));
        rig.checkKept(cache, "partial.");
      }
      List<Json> layers = rig.request.get("layers").get("layers").items();
      int first = layers.get(0).asInt();
      int last = layers.get(1).asInt();
      try (ReferenceKvCache some = rig.cache(first, last)) {
        rig.forward(StepPlan.FULL, some, full, "full.timestep");
        Tensor later = rig.withTarget(full, golden.tensor("cached.target_tokens"));
        StepPlan cached = new StepPlan.Cached(first, last);
        rig.check("layers.output", rig.forward(cached, some, later, "cached.timestep"));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"dit_causal_h32", "dit_causal_tiny"})
  void causalReferencesGiveWhatTheTwinGives(String name) throws CheckpointException {
    try (Rig rig = new Rig(name)) {
      Tensor tokens = rig.golden.tensor("image_tokens");
      rig.check("output", rig.forward(StepPlan.FULL, null, tokens, "timestep"));
      List<ReferenceKvCache> caches = new ArrayList<>();
      for (LatentGrid grid : rig.grids.subList(1, rig.grids.size())) {
        caches.add(rig.cache(0, KvPolicy.LAST_LAYER, grid.tokens()));
      }
      for (int reference = 0; reference < caches.size(); reference++) {
        rig.forward(new StepPlan.Prefill(reference), caches, tokens, 0.123f);
      }
      float timestep = rig.golden.floats("timestep")[0];
      StepPlan cached = new StepPlan.Cached(0, KvPolicy.LAST_LAYER);
      rig.check("output", rig.forward(cached, caches, rig.withoutReferences(tokens), timestep));
      long row = 0;
      for (ReferenceKvCache cache : caches) {
        rig.checkKept(cache, "", row);
        row += cache.layout().rows();
        cache.close();
      }
    }
  }

  /** A golden with its model, state and memo. */
  private static final class Rig implements AutoCloseable {
    final Golden golden;
    final Json request;
    final List<LatentGrid> grids = new ArrayList<>();
    private final String name;
    private final Compute compute = Compute.open(2);
    private final QwenImageTransformer transformer;
    private final DitState state;
    private final ExactMemo memo;

    Rig(String name) throws CheckpointException {
      this.name = name;
      golden = Golden.open("kv/" + name);
      request = golden.request();
      Path folder = Golden.root().resolve(request.get("model").asString());
      TransformerConfig config = TransformerConfig.read(folder);
      if (name.contains("causal")) {
        config = config.withReferenceMask(ReferenceMask.SELF);
      }
      transformer = new QwenImageTransformer(compute, config, Weights.open(golden.arena(), folder));
      for (Json grid : request.get("grids").items()) {
        grids.add(new LatentGrid(grid.items().get(0).asInt(), grid.items().get(1).asInt()));
      }
      int textTokens = request.get("text_tokens").asInt();
      state = transformer.newState(golden.arena(), textTokens, grids);
      memo = transformer.newMemo(golden.arena(), List.of(textTokens), grids);
    }

    ReferenceKvCache cache(int first, int last) {
      return cache(first, last, grids.stream().skip(1).mapToLong(LatentGrid::tokens).sum());
    }

    ReferenceKvCache cache(int first, int last, long rows) {
      TransformerConfig config = transformer.config();
      int lastLayer = Math.min(last, config.numLayers() - 1);
      return ReferenceKvCache.open(
          compute,
          golden.arena(),
          new KvLayout(
              first,
              lastLayer,
              rows,
              config.numAttentionHeads(),
              config.attentionHeadDim(),
              KvDtype.F32,
              lastLayer < config.numLayers() - 1));
    }

    Tensor forward(StepPlan plan, ReferenceKvCache cache, Tensor tokens, String timestep)
        throws CheckpointException {
      List<ReferenceKvCache> caches = cache == null ? List.of() : List.of(cache);
      return forward(plan, caches, tokens, golden.floats(timestep)[0]);
    }

    Tensor forward(StepPlan plan, List<ReferenceKvCache> caches, Tensor tokens, float timestep)
        throws CheckpointException {
      ReferencePass reuse = new ReferencePass(plan, caches, memo, 0);
      Tensor text = golden.tensor("text");
      Json additional = request.has("additional_t_cond") ? request.get("additional_t_cond") : null;
      return additional == null || additional.isNull()
          ? transformer.forwardWithCachedReferences(state, reuse, tokens, text, timestep, Taps.NONE)
          : transformer.forwardWithCachedReferences(
              state, reuse, tokens, text, timestep, additional.asInt(), Taps.NONE);
    }

    Tensor withTarget(Tensor tokens, Tensor target) {
      Tensor copy = Tensor.f32(golden.arena(), "tokens", tokens.dim(0), tokens.dim(1));
      copy.copyFrom(tokens);
      copy.rows(0, target.dim(0)).copyFrom(target);
      return copy;
    }

    /** The same target with NaN for references. */
    Tensor withoutReferences(Tensor tokens) {
      Tensor copy = Tensor.f32(golden.arena(), "tokens", tokens.dim(0), tokens.dim(1));
      copy.copyFrom(tokens);
      long from = grids.getFirst().tokens() * tokens.dim(1);
      for (long i = from; i < copy.elements(); i++) {
        copy.setFloat(i, Float.NaN);
      }
      return copy;
    }

    void check(String key, Tensor velocity) {
      TensorAssert.assertRel(name + " " + key, golden.tensor(key), velocity, STREAM);
    }

    void checkKept(ReferenceKvCache cache, String prefix) {
      checkKept(cache, prefix, 0);
    }

    /** Compares the kept rows with those of the golden from {@code row} on. */
    void checkKept(ReferenceKvCache cache, String prefix, long row) {
      KvLayout layout = cache.layout();
      int compared = 0;
      for (int layer = 0; layer < transformer.config().numLayers(); layer++) {
        String path = prefix + "transformer_blocks." + layer + ".attn.";
        if (golden.has(path + "key")) {
          long channels = (long) layout.heads() * layout.headDim();
          Tensor rows =
              Tensor.f32(golden.arena(), "kept", layout.rows(), layout.heads(), layout.headDim());
          cache.copyKey(layer, rows);
          TensorAssert.assertRel(
              name + " " + path + "key",
              golden.tensor(path + "key").rows(row, row + layout.rows()),
              rows.view(layout.rows(), channels),
              STREAM);
          cache.copyValue(layer, rows);
          TensorAssert.assertRel(
              name + " " + path + "value",
              golden.tensor(path + "value").rows(row, row + layout.rows()),
              rows.view(layout.rows(), channels),
              STREAM);
          compared++;
        }
      }
      assertThat(compared).as("layers of %s that were compared", name).isPositive();
    }

    @Override
    public void close() {
      compute.close();
      golden.close();
    }
  }
}
