package inkstone.app.cli;

import inkstone.loader.CheckpointException;
import inkstone.model.image.Image;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.StepPlan;
import inkstone.model.kv.StepPlanner;
import inkstone.model.pipeline.CacheStats;
import inkstone.model.pipeline.CancelToken;
import inkstone.model.pipeline.DriftReport;
import inkstone.model.pipeline.DriftRequest;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.GenerateRequest;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.Preview;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.Stage;
import inkstone.model.pipeline.Timings;
import inkstone.model.pipeline.ZeroCondT;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.UnaryOperator;

/** An engine without a model: it tells what it was asked and paints one colour. */
final class FakeEngine implements Engine, Engine.Opener {
  final List<EditRequest> edits = new ArrayList<>();
  final List<DriftRequest> drifts = new ArrayList<>();
  final List<GenerateRequest> generations = new ArrayList<>();
  final List<String> warnings = new ArrayList<>();
  ModelFiles openedFiles;
  Path openedModel;
  ModelFacts facts =
      new ModelFacts(
          "fake engine", new ZeroCondT.Choice(true, "config.json"), Map.of("vae", 1L), true);
  EngineOptions options;
  int closed;

  /** What a run says it reused, made from what it would have. */
  UnaryOperator<CacheStats> reuse = stats -> stats;

  /** Runs after each step, to throw or to cancel. */
  Runnable afterStep = () -> {};

  /** Thrown by {@link #open}, when not null. */
  CheckpointException unfit;

  @Override
  public Engine open(ModelFiles files, EngineOptions engineOptions) throws CheckpointException {
    openedFiles = files;
    openedModel = files.shown();
    options = engineOptions;
    if (unfit != null) {
      throw unfit;
    }
    return this;
  }

  @Override
  public String describe() {
    return facts.engine();
  }

  @Override
  public ModelFacts facts() {
    return facts;
  }

  @Override
  public Result edit(EditRequest request, Listener listener, CancelToken cancel) {
    edits.add(request);
    RefCache cache = request.refCache() == null ? RefCache.DEFAULT : request.refCache();
    return run(request.size(), request.sampling(), cache, listener, cancel);
  }

  @Override
  public Result generate(GenerateRequest request, Listener listener, CancelToken cancel) {
    generations.add(request);
    return run(request.size(), request.sampling(), RefCache.DEFAULT, listener, cancel);
  }

  @Override
  public DriftReport drift(DriftRequest request, Listener listener, CancelToken cancel) {
    drifts.add(request);
    return FakeDrift.report(request, edit(request.edit(), listener, cancel), warnings);
  }

  private Result run(
      OutputSize size, Sampling sampling, RefCache cache, Listener listener, CancelToken cancel) {
    int width = size instanceof OutputSize.Exact exact ? exact.width() : 64;
    int height = size instanceof OutputSize.Exact exact ? exact.height() : 48;
    listener.stage(Stage.ENCODE_PROMPT);
    listener.stage(Stage.DENOISE);
    listener.memory(3 << 20);
    for (int step = 1; step <= sampling.steps(); step++) {
      cancel.throwIfCancelled();
      listener.step(
          step, sampling.steps(), 1.0 - (double) step / sampling.steps(), preview(width, height));
      afterStep.run();
    }
    cancel.throwIfCancelled();
    listener.stage(Stage.DECODE);
    return new Result(
        Image.blank(width, height),
        sampling.seed(),
        new Timings(Map.of(Stage.DENOISE, 1.25)),
        Map.of("model_class", "Fake"),
        warnings,
        reuse.apply(stats(sampling, cache)),
        1_000_000,
        Map.of());
  }

  /** As planned, with an operation for each row of one branch: half of the rows are references'. */
  private static CacheStats stats(Sampling sampling, RefCache cache) {
    KvPolicy policy = cache.policy() instanceof KvPolicy.Auto ? KvPolicy.exact() : cache.policy();
    int steps = sampling.steps();
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      sigmas[i] = 1 - (float) i / steps;
    }
    StepPlanner planner = new StepPlanner(policy, sigmas);
    int[] passes = new int[3];
    List<Double> drift = new ArrayList<>();
    for (int step = 0; step < steps; step++) {
      int kind =
          switch (planner.plan(step, step > 0 || policy instanceof KvPolicy.Causal)) {
            case StepPlan.Full f -> 0;
            case StepPlan.Cached c -> 1;
            case StepPlan.Partial p -> 2;
            case StepPlan.Prefill p -> throw new AssertionError("no step is a prefill");
          };
      passes[kind]++;
      if (policy.lossy() && step > 0 && kind != 1) {
        drift.add(0.03125);
      }
    }
    boolean kept = policy.keepsKeys();
    return new CacheStats(
        policy.word(),
        kept ? cache.dtype().name().toLowerCase(Locale.ROOT) : "",
        policy.lossy(),
        passes[0],
        passes[1],
        passes[2],
        policy instanceof KvPolicy.Causal ? 1 : 0,
        100.0 * passes[0] + 50 * passes[1] + 75 * passes[2],
        100.0 * steps,
        100L * passes[0],
        50L * passes[1],
        kept ? 4_000_000 : 0,
        kept ? 4_000_000L * passes[1] : 0,
        passes[1] + passes[2],
        kept ? 1 : 0,
        List.of(),
        drift);
  }

  private static Preview preview(int width, int height) {
    return new Preview() {
      @Override
      public Image projected() {
        return Image.blank(width / 8, height / 8);
      }

      @Override
      public Image decoded() {
        return Image.blank(width, height);
      }
    };
  }

  @Override
  public void close() {
    closed++;
  }
}
