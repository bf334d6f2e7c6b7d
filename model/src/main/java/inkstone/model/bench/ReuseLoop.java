package inkstone.model.bench;

import inkstone.memory.TensorArena;
import inkstone.model.dit.ExactMemo;
import inkstone.model.dit.ReferencePass;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.PassCounter;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.SliceDrift;
import inkstone.model.kv.StepPlan;
import inkstone.model.kv.StepPlanner;
import inkstone.ops.Compute;
import inkstone.ops.Elementwise;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * A denoising loop over a rig, a step at a time, so that loops can take turns. Like an edit it
 * opens its cache when it begins and closes it at the end, and moves latents of its own.
 */
final class ReuseLoop implements AutoCloseable {
  private final Compute compute;
  private final DitRig rig;
  private final ReuseCase of;
  private final KvPolicy policy;
  private final boolean exact;
  private final float[] sigmas;
  private final Tensor imageTokens; // [I, inChannels], of which the target's rows change
  private final Tensor latents; // [T, inChannels]
  private final BlockClock clock = new BlockClock();
  private final ReuseTimes.Samples full = new ReuseTimes.Samples();
  private final ReuseTimes.Samples reusing = new ReuseTimes.Samples();
  private final ReuseTimes.Samples loop = new ReuseTimes.Samples();
  private final List<StepPlan> plans = new ArrayList<>();

  // Of the loop that is running, or ran last.
  private TensorArena arena;
  private StepPlanner planner;
  private List<ReferenceKvCache> caches = List.of();
  private ExactMemo memo;
  private double seconds;
  private double blockSeconds;
  private double flop;
  private double reusingFlop;
  private long rowsComputed;
  private long rowsReused;
  private long cacheBytes;

  /**
   * @param policy that of the case, or off
   * @param exact whether exact things are reused too
   */
  ReuseLoop(Compute compute, DitRig rig, ReuseCase of, KvPolicy policy, boolean exact) {
    this.compute = compute;
    this.rig = rig;
    this.of = of;
    this.policy = policy;
    this.exact = exact;
    sigmas = sigmas(of.steps());
    Tensor from = rig.imageTokens();
    imageTokens = Tensor.f32(rig.arena(), "loop tokens", from.dim(0), from.dim(1));
    latents = imageTokens.rows(0, rig.targetTokens());
  }

  /** Evenly from 1 to 0: what is computed does not depend on them, but for adaptive. */
  static float[] sigmas(int steps) {
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      sigmas[i] = 1 - (float) i / steps;
    }
    return sigmas;
  }

  /** Layout of the cache; null when the policy keeps no keys. */
  static KvLayout layout(DitRig rig, ReuseCase of) {
    if (!of.policy().keepsKeys()) {
      return null;
    }
    var config = rig.config();
    int first = 0;
    int last = config.numLayers() - 1;
    boolean resumes = false;
    if (of.policy() instanceof KvPolicy.Anchored anchored) {
      first = anchored.firstLayer();
      resumes = anchored.lastLayer() < last;
      last = Math.min(last, anchored.lastLayer());
    }
    return new KvLayout(
        first,
        last,
        rig.referenceTokens(),
        config.numAttentionHeads(),
        config.attentionHeadDim(),
        of.store(),
        resumes);
  }

  void begin() {
    close();
    imageTokens.copyFrom(rig.imageTokens());
    plans.clear();
    flop = 0;
    reusingFlop = 0;
    rowsComputed = 0;
    rowsReused = 0;
    blockSeconds = 0;
    seconds =
        Workload.seconds(() -> {
          arena = TensorArena.open("bench loop");
          planner = new StepPlanner(policy, sigmas);
          memo = exact ? rig.newMemo(arena) : null;
          caches =
              policy.keepsKeys()
                  ? List.of(ReferenceKvCache.open(compute, arena, layout(rig, of)))
                  : List.of();
        });
    cacheBytes = caches.stream().mapToLong(ReferenceKvCache::bytes).sum();
  }

  void step(int i) {
    PassCounter counter = rig.counter();
    double flopBefore = counter.flop();
    long computedBefore = counter.rowsComputed();
    long reusedBefore = counter.rowsReused();
    clock.reset();
    double took = Workload.seconds(() -> advance(i));
    seconds += took;
    blockSeconds += clock.seconds();
    double passFlop = counter.flop() - flopBefore;
    flop += passFlop;
    rowsComputed += counter.rowsComputed() - computedBefore;
    rowsReused += counter.rowsReused() - reusedBefore;
    // The first step of a loop fills what exact reuse takes later, so it is no sample of that.
    boolean takesExact = !policy.keepsKeys() && exact && i > 0;
    if (plans.getLast() instanceof StepPlan.Full && !takesExact) {
      full.add(took, clock.seconds());
    } else {
      reusing.add(took, clock.seconds());
      reusingFlop += passFlop;
    }
  }

  private void advance(int i) {
    boolean filled = caches.stream().allMatch(ReferenceKvCache::filled);
    StepPlan plan = planner.plan(i, filled);
    plans.add(plan);
    Tensor velocity =
        rig.forward(new ReferencePass(plan, caches, memo, 0), imageTokens, sigmas[i], clock);
    planner.measured(
        plan instanceof StepPlan.Cached || caches.isEmpty()
            ? SliceDrift.NONE
            : caches.getFirst().drift());
    Elementwise.addScaled(compute, latents, velocity, sigmas[i + 1] - sigmas[i]);
  }

  void end() {
    seconds += Workload.seconds(this::close);
    loop.add(seconds, blockSeconds);
    Results.requireFinite("latents under " + policy.word(), latents);
  }

  /** Plans of the last loop. */
  List<StepPlan> plans() {
    return List.copyOf(plans);
  }

  ReuseFigures figures() {
    int reusingSteps = reusing.count() / loop.count();
    return new ReuseFigures(
        full.times(),
        reusing.times(),
        loop.times(),
        of.steps(),
        reusingSteps,
        flop,
        reusingSteps == 0 ? 0 : reusingFlop / reusingSteps,
        rowsComputed,
        rowsReused,
        cacheBytes);
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
      arena = null;
      caches = List.of();
      memo = null;
    }
  }
}
