package inkstone.model.dit;

import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvKey;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.ReferenceKey;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.SliceDrift;
import inkstone.model.kv.StepPlan;
import inkstone.model.kv.StepPlanner;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A denoising loop over a random transformer under a policy: what the pipeline does, written a
 * second time, with everything in reach. Policy off takes the plain forward that knows of no cache.
 */
final class Loop implements AutoCloseable {
  /**
   * @param seed of text, noise and references
   * @param guided whether a second branch with a longer text runs
   * @param images grid of the target, then of the references
   */
  record Request(int seed, int steps, boolean guided, List<LatentGrid> images) {
    static Request of(int seed, int steps, boolean guided, LatentGrid... images) {
      return new Request(seed, steps, guided, List.of(images));
    }

    float[] sigmas() {
      float[] sigmas = new float[steps + 1];
      for (int i = 0; i < steps; i++) {
        sigmas[i] = 1 - (float) i / steps;
      }
      return sigmas;
    }
  }

  /** One branch of guidance. */
  static final class Branch {
    final DitState state;
    final Tensor text;
    final StepPlanner planner;
    final List<ReferenceKvCache> caches;
    final List<StepPlan> plans = new ArrayList<>();
    final List<SliceDrift> drifts = new ArrayList<>();
    final List<String> missed = new ArrayList<>();
    KvKey key;

    Branch(DitState state, Tensor text, StepPlanner planner, List<ReferenceKvCache> caches) {
      this.state = state;
      this.text = text;
      this.planner = planner;
      this.caches = caches;
    }
  }

  private static final float GUIDANCE = 3;

  final RandomTransformer model;
  final Request request;
  final KvPolicy policy;
  final TensorArena arena;
  final Tensor imageTokens;
  final Tensor latents;
  final float[] sigmas;
  final ExactMemo memo;
  final List<Branch> branches = new ArrayList<>();
  final List<float[]> velocities = new ArrayList<>();
  Taps taps = Taps.NONE;
  private boolean prefilled;

  Loop(RandomTransformer model, Request request, KvPolicy wish, KvDtype dtype) {
    this(model, request, wish, dtype, true);
  }

  /**
   * @param memoised whether exact things are kept too
   */
  Loop(RandomTransformer model, Request request, KvPolicy wish, KvDtype dtype, boolean memoised) {
    this.model = model;
    this.request = request;
    List<LatentGrid> images = request.images();
    boolean references = images.size() > 1;
    policy = references || wish instanceof KvPolicy.Off ? wish : KvPolicy.exact();
    arena = model.arena.child("loop");
    TransformerConfig config = model.transformer.config();
    sigmas = request.sigmas();
    long tokens = images.stream().mapToLong(LatentGrid::tokens).sum();
    imageTokens =
        RandomTransformer.random(
            arena, 31 * request.seed(), "imageTokens", tokens, config.inChannels());
    latents = imageTokens.rows(0, images.getFirst().tokens());
    List<Integer> lengths = request.guided() ? List.of(6, 9) : List.of(6);
    memo =
        memoised && !(policy instanceof KvPolicy.Off)
            ? model.transformer.newMemo(arena, lengths, images)
            : null;
    List<ReferenceKvCache> shared = new ArrayList<>();
    if (policy instanceof KvPolicy.Causal) {
      images.stream().skip(1).forEach(image -> shared.add(open(config, dtype, image.tokens())));
    }
    boolean own =
        references
            && (policy instanceof KvPolicy.Anchored
                || policy instanceof KvPolicy.Rolling
                || policy instanceof KvPolicy.Adaptive);
    for (int i = 0; i < lengths.size(); i++) {
      Branch branch =
          new Branch(
              model.transformer.newState(arena, lengths.get(i), images),
              RandomTransformer.random(
                  arena,
                  31 * request.seed() + 1 + i,
                  "text",
                  lengths.get(i),
                  config.jointAttentionDim()),
              new StepPlanner(policy, sigmas),
              own ? List.of(open(config, dtype, tokens - images.getFirst().tokens())) : shared);
      branch.key = key(config, i, lengths.get(i), dtype);
      branches.add(branch);
    }
  }

  private ReferenceKvCache open(TransformerConfig config, KvDtype dtype, long rows) {
    int first = 0;
    int last = config.numLayers() - 1;
    if (policy instanceof KvPolicy.Anchored anchored) {
      first = anchored.firstLayer();
      last = Math.min(last, anchored.lastLayer());
    }
    return ReferenceKvCache.open(
        model.compute,
        arena,
        new KvLayout(
            first,
            last,
            rows,
            config.numAttentionHeads(),
            config.attentionHeadDim(),
            dtype,
            last < config.numLayers() - 1));
  }

  private KvKey key(TransformerConfig config, int branch, int length, KvDtype dtype) {
    List<LatentGrid> images = request.images();
    return new KvKey(
        "weights",
        "",
        branch,
        IntStream.range(1, images.size())
            .mapToObj(i ->
                new ReferenceKey(
                    "seed " + request.seed(), images.get(i).height(), images.get(i).width(), i - 1))
            .toList(),
        images.getFirst().height(),
        images.getFirst().width(),
        length,
        "seed " + request.seed(),
        config.zeroCondT(),
        dtype,
        policy,
        config.referenceMask().name());
  }

  /** The cache of a branch that has one of all references. */
  ReferenceKvCache cache(int branch) {
    return branches.get(branch).caches.getFirst();
  }

  /** Velocity of one branch; the latents stay as they are. */
  float[] forward(int branch, int step) {
    Branch b = branches.get(branch);
    float timestep = sigmas[step];
    if (policy instanceof KvPolicy.Off) {
      return model.transformer.forward(b.state, imageTokens, b.text, timestep, taps).toFloatArray();
    }
    if (policy instanceof KvPolicy.Causal) {
      prefill(b);
    } else {
      b.caches.forEach(cache -> b.missed.addAll(cache.admit(b.key)));
    }
    StepPlan plan = b.planner.plan(step, b.caches.stream().allMatch(ReferenceKvCache::filled));
    b.plans.add(plan);
    float[] velocity = pass(b, branch, plan, timestep);
    SliceDrift drift =
        plan instanceof StepPlan.Cached || b.caches.isEmpty()
            ? SliceDrift.NONE
            : b.caches.getFirst().drift();
    b.planner.measured(drift);
    b.drifts.add(drift);
    return velocity;
  }

  private void prefill(Branch b) {
    for (int i = 0; !prefilled && i < b.caches.size(); i++) {
      pass(b, 0, new StepPlan.Prefill(i), 0);
    }
    prefilled = true;
  }

  float[] pass(Branch b, int branch, StepPlan plan, float timestep) {
    return model
        .transformer
        .forwardWithCachedReferences(
            b.state,
            new ReferencePass(plan, b.caches, memo, branch),
            imageTokens,
            b.text,
            timestep,
            taps)
        .toFloatArray();
  }

  /** One step of all branches; moves the latents. */
  void step(int step) {
    float[] velocity = forward(0, step);
    if (request.guided()) {
      float[] negative = forward(1, step);
      for (int i = 0; i < velocity.length; i++) {
        velocity[i] = negative[i] + GUIDANCE * (velocity[i] - negative[i]);
      }
    }
    velocities.add(velocity);
    float[] next = latents.toFloatArray();
    for (int i = 0; i < next.length; i++) {
      next[i] += (sigmas[step + 1] - sigmas[step]) * velocity[i];
    }
    latents.copyFrom(next);
  }

  Loop run() {
    for (int step = 0; step < request.steps(); step++) {
      step(step);
    }
    return this;
  }

  /** Velocities of all steps, then the latents. */
  List<float[]> trace() {
    List<float[]> trace = new ArrayList<>(velocities);
    trace.add(latents.toFloatArray());
    return trace;
  }

  /** What the request gives under a policy. */
  static List<float[]> trace(
      RandomTransformer model, Request request, KvPolicy policy, KvDtype dtype) {
    try (Loop loop = new Loop(model, request, policy, dtype)) {
      return loop.run().trace();
    }
  }

  /** What the request gives when nothing is reused. */
  static List<float[]> off(RandomTransformer model, Request request) {
    return trace(model, request, KvPolicy.off(), KvDtype.F32);
  }

  static void assertBits(String what, List<float[]> expected, List<float[]> actual) {
    if (expected.size() != actual.size()) {
      throw new AssertionError(what + ": " + expected.size() + " values, got " + actual.size());
    }
    for (int i = 0; i < expected.size(); i++) {
      TensorAssert.assertBits(what + ", step " + i, expected.get(i), actual.get(i));
    }
  }

  static boolean causal(TransformerConfig config) {
    return config.referenceMask() == ReferenceMask.SELF;
  }

  @Override
  public void close() {
    arena.close();
  }
}
