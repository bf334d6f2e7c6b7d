package inkstone.app.cli;

import inkstone.model.bench.BenchCase;
import inkstone.model.bench.ReuseCase;
import inkstone.model.kv.KvPolicy;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Sampling;
import java.util.List;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** The denoising loop that {@code bench step --ref-cache} measures. */
final class BenchReuseOptions {
  private static final int STEPS = 8;

  @Mixin private RefCacheOptions refCache;

  @Option(
      names = "--steps",
      paramLabel = "N",
      description = "With --ref-cache: steps of the loop, 2 or more (default: " + STEPS + ")")
  private String steps;

  @Option(
      names = "--zero-cond-t",
      paramLabel = "MODE",
      description =
          "With --ref-cache: on (default), as Qwen-Image-Edit-2511, or off: whether references are"
              + " modulated as at t = 0")
  private String zeroCondT;

  /**
   * What loops reuse; null when no loop is asked for. Anchored is measured as it was published:
   * refreshes, which an edit makes by default, would hide what a step that reuses saves.
   */
  RefCache policy(List<String> works) throws Failure {
    RefCache wish = refCache.resolve(KvPolicy.NEVER);
    if (wish == null) {
      if (steps != null || zeroCondT != null) {
        throw Failure.usage(
            (steps != null ? "--steps" : "--zero-cond-t") + " needs --ref-cache",
            "a step without it stands alone: leave it out, or add --ref-cache anchored");
      }
      return null;
    }
    if (!works.equals(List.of("step"))) {
      throw Failure.usage("--ref-cache measures step alone", "use 'inkstone bench step'");
    }
    if (wish.maxBytes() > 0) {
      throw Failure.usage("--ref-cache-max: bench keeps what it was asked to keep", "leave it out");
    }
    return wish;
  }

  /** Whether any option is given. */
  boolean given() throws Failure {
    return steps != null || zeroCondT != null || refCache.resolve() != null;
  }

  /** The loop of a step. */
  ReuseCase of(BenchCase step, RefCache wish) throws Failure {
    int count = steps == null ? STEPS : Numbers.whole("--steps", steps, 2, Sampling.MAX_STEPS);
    boolean zero =
        zeroCondT == null || Numbers.word("--zero-cond-t", zeroCondT, "on", "off").equals("on");
    return new ReuseCase(step, wish.policy(), wish.dtype(), count, zero);
  }
}
