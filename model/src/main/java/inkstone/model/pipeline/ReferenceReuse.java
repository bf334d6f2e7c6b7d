package inkstone.model.pipeline;

import inkstone.loader.config.ReferenceMask;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.DitState;
import inkstone.model.dit.ExactMemo;
import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.QwenImageTransformer;
import inkstone.model.dit.ReferencePass;
import inkstone.model.kv.KvKey;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.ReferenceKey;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.SliceDrift;
import inkstone.model.kv.StepPlan;
import inkstone.model.kv.StepPlanner;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * The forward passes of one run under one policy: plans each, keeps what the plan keeps, counts.
 * Caches and memo lie in an arena of this run and are freed with it, however the run ends; nothing
 * else remembers them, so a failed run leaves no trace in the engine.
 */
final class ReferenceReuse implements AutoCloseable {
  /** One branch of guidance. */
  private static final class Branch {
    final DitState state;
    final Tensor text;
    final StepPlanner planner;
    final List<ReferenceKvCache> caches;
    final KvKey key;

    Branch(
        DitState state,
        Tensor text,
        StepPlanner planner,
        List<ReferenceKvCache> caches,
        KvKey key) {
      this.state = state;
      this.text = text;
      this.planner = planner;
      this.caches = caches;
      this.key = key;
    }
  }

  private final Compute compute;
  private final QwenImageTransformer transformer;
  private final ReuseChoice choice;
  private final TensorArena arena;
  private final Tensor imageTokens;
  private final ReferenceBank bank;
  private final List<Branch> branches = new ArrayList<>();
  private final ExactMemo memo; // or null
  private final int[] passes = new int[4]; // full, cached, partial, prefill
  private final List<Double> drift = new ArrayList<>();
  private final List<String> missedFields = new ArrayList<>();
  private final long readBefore; // of caches that the bank has lent
  private double flopOff;
  private int hits;
  private int misses;
  private boolean prefilled;

  /**
   * @param parent arena of the run; caches and memo go to a child of it
   * @param choice what is reused
   * @param imageTokens target and references, which stay the same but for the target's rows
   * @param prompts embeddings of each branch
   * @param sigmas noise levels of the steps, and the last
   * @param bank where causal caches live on, or null
   */
  ReferenceReuse(
      Compute compute,
      QwenImageTransformer transformer,
      String weights,
      TensorArena parent,
      ReuseChoice choice,
      List<LatentGrid> grids,
      Tensor imageTokens,
      List<Tensor> prompts,
      float[] sigmas,
      ReferenceBank bank) {
    this.compute = compute;
    this.transformer = transformer;
    this.choice = choice;
    this.imageTokens = imageTokens;
    this.bank = bank;
    arena = parent.child("reuse");
    boolean built = false;
    try {
      List<Integer> lengths = prompts.stream().map(p -> Math.toIntExact(p.dim(0))).toList();
      memo = choice.memo() ? transformer.newMemo(arena, lengths, grids) : null;
      List<ReferenceKey> references =
          choice.policy().keepsKeys() ? referenceKeys(grids) : List.of();
      List<ReferenceKvCache> shared =
          choice.policy() instanceof KvPolicy.Causal causal
              ? causalCaches(causal, weights, references, grids)
              : null;
      readBefore =
          shared == null ? 0 : shared.stream().mapToLong(ReferenceKvCache::bytesRead).sum();
      for (int i = 0; i < prompts.size(); i++) {
        KvKey key = key(weights, i, references, grids.getFirst(), prompts.get(i));
        branches.add(
            new Branch(
                transformer.newState(arena, lengths.get(i), grids),
                prompts.get(i),
                new StepPlanner(choice.policy(), sigmas),
                shared != null ? shared : ownCaches(grids),
                key));
      }
      built = true;
    } finally {
      if (!built) {
        arena.close();
      }
    }
  }

  private List<ReferenceKvCache> ownCaches(List<LatentGrid> grids) {
    if (!choice.policy().keepsKeys()) {
      return List.of();
    }
    return List.of(
        ReferenceKvCache.open(
            compute,
            arena,
            ReuseChoice.layout(transformer.config(), choice.policy(), choice.dtype(), grids)));
  }

  private List<ReferenceKvCache> causalCaches(
      KvPolicy.Causal causal,
      String weights,
      List<ReferenceKey> references,
      List<LatentGrid> grids) {
    List<ReferenceKvCache> caches = new ArrayList<>();
    for (int i = 0; i < references.size(); i++) {
      var layout =
          ReuseChoice.layout(
              transformer.config(), causal, choice.dtype(), grids.get(i + 1).tokens());
      caches.add(
          causal.bank() && bank != null
              ? bank.get(compute, weights, transformer.loras().digest(), references.get(i), layout)
              : ReferenceKvCache.open(compute, arena, layout));
    }
    return caches;
  }

  private List<ReferenceKey> referenceKeys(List<LatentGrid> grids) {
    List<ReferenceKey> keys = new ArrayList<>();
    long row = grids.getFirst().tokens();
    for (int i = 1; i < grids.size(); i++) {
      LatentGrid grid = grids.get(i);
      Tensor latent = imageTokens.rows(row, row + grid.tokens());
      keys.add(new ReferenceKey(Digests.of(latent), grid.height(), grid.width(), i - 1));
      row += grid.tokens();
    }
    return keys;
  }

  private KvKey key(
      String weights, int branch, List<ReferenceKey> references, LatentGrid target, Tensor prompt) {
    if (references.isEmpty()) {
      return null;
    }
    var config = transformer.config();
    return new KvKey(
        weights,
        transformer.loras().digest(),
        branch,
        references,
        target.height(),
        target.width(),
        prompt.dim(0),
        Digests.of(prompt),
        config.zeroCondT(),
        choice.dtype(),
        choice.policy(),
        config.referenceMask().name());
  }

  /**
   * Velocity of one branch at one step, valid until the next pass of this branch.
   *
   * @param branch 0 for the prompt, 1 for the negative prompt
   * @param step from 0, ascending
   */
  Tensor forward(int branch, int step, float timestep, Taps taps) {
    Branch b = branches.get(branch);
    prefill(b, taps);
    admit(b);
    boolean filled = b.caches.stream().allMatch(ReferenceKvCache::filled);
    StepPlan plan = b.planner.plan(step, filled);
    flopOff += offFlop(b.state);
    Tensor velocity = pass(b, branch, plan, timestep, taps);
    SliceDrift measured =
        plan instanceof StepPlan.Cached || b.caches.isEmpty()
            ? SliceDrift.NONE
            : b.caches.getFirst().drift();
    b.planner.measured(measured);
    if (measured.measured()) {
      drift.add(measured.relative());
    }
    return velocity;
  }

  private Tensor pass(Branch b, int branch, StepPlan plan, float timestep, Taps taps) {
    switch (plan) {
      case StepPlan.Full f -> passes[0]++;
      case StepPlan.Cached c -> {
        passes[1]++;
        hits += b.caches.isEmpty() ? 0 : 1;
      }
      case StepPlan.Partial p -> {
        passes[2]++;
        hits++;
      }
      case StepPlan.Prefill p -> passes[3]++;
    }
    return transformer.forwardWithCachedReferences(
        b.state,
        new ReferencePass(plan, b.caches, memo, branch),
        imageTokens,
        b.text,
        timestep,
        taps);
  }

  /** Fills causal caches that the bank did not have, once a run. */
  private void prefill(Branch b, Taps taps) {
    if (prefilled || !(choice.policy() instanceof KvPolicy.Causal)) {
      return;
    }
    for (int i = 0; i < b.caches.size(); i++) {
      if (!b.caches.get(i).filled()) {
        pass(b, 0, new StepPlan.Prefill(i), 0, taps);
        misses++;
      }
    }
    prefilled = true;
  }

  private void admit(Branch b) {
    if (b.key == null || choice.policy() instanceof KvPolicy.Causal) {
      return;
    }
    for (ReferenceKvCache cache : b.caches) {
      List<String> different = cache.admit(b.key);
      misses += different.isEmpty() ? 0 : 1;
      missedFields.addAll(different);
    }
  }

  /**
   * {@code layers · (24·D²·N + 4·D·N²)}; under a mask references attend to their own rows only, so
   * {@code N²} is {@code (N − R)·N} and the square of each reference.
   */
  private double offFlop(DitState state) {
    var config = transformer.config();
    double inner = config.innerDim();
    double tokens = state.textTokens() + state.imageTokens();
    double pairs = tokens * tokens;
    if (config.referenceMask() == ReferenceMask.SELF) {
      for (LatentGrid reference : state.images().subList(1, state.images().size())) {
        pairs -= reference.tokens() * (tokens - reference.tokens());
      }
    }
    return config.numLayers() * (24 * inner * inner * tokens + 4 * inner * pairs);
  }

  /** The caches of a branch, for those who compare; none when the policy keeps no keys. */
  List<ReferenceKvCache> caches(int branch) {
    return branches.get(branch).caches;
  }

  /** What the caches of a branch are for; null when the policy keeps no keys. */
  KvKey key(int branch) {
    return branches.get(branch).key;
  }

  CacheStats stats() {
    double flop = 0;
    long computed = 0;
    long reused = 0;
    long bytes = 0;
    long read = -readBefore;
    List<ReferenceKvCache> counted = new ArrayList<>();
    for (Branch b : branches) {
      flop += b.state.counter().flop();
      computed += b.state.counter().rowsComputed();
      reused += b.state.counter().rowsReused();
      for (ReferenceKvCache cache : b.caches) {
        if (!counted.contains(cache)) {
          counted.add(cache);
          bytes += cache.layout().bytes();
          read += cache.bytesRead();
        }
      }
    }
    return new CacheStats(
        choice.policy().word(),
        counted.isEmpty() ? "" : choice.dtype().name().toLowerCase(Locale.ROOT),
        choice.approximate(),
        passes[0],
        passes[1],
        passes[2],
        passes[3],
        flop,
        flopOff,
        computed,
        reused,
        bytes,
        read,
        hits,
        misses,
        missedFields,
        drift);
  }

  @Override
  public void close() {
    arena.close();
  }
}
