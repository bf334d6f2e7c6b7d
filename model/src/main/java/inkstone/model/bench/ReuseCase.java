package inkstone.model.bench;

import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;

/**
 * A denoising loop to measure with and without reuse of its references.
 *
 * @param step sizes, weights and threads, with one reference or more
 * @param policy what the loop reuses
 * @param store how kept keys and values are stored
 * @param steps of the loop
 * @param zeroCondT whether the model sees references at t = 0, as Qwen-Image-Edit-2511 does
 */
public record ReuseCase(
    BenchCase step, KvPolicy policy, KvDtype store, int steps, boolean zeroCondT) {
  private static final int MOST_STEPS = 1000;

  public ReuseCase {
    if (step.work() != BenchWork.STEP) {
      throw refused("work", "step", step.work().word(), "nothing else has references");
    }
    if (step.size("refs") < 1) {
      throw refused("refs", "1 or more", step.size("refs"), "without one there is nothing to keep");
    }
    if (steps < 2 || steps > MOST_STEPS) {
      throw refused("steps", "2 to " + MOST_STEPS, steps, "the first step fills what others read");
    }
    if (policy instanceof KvPolicy.Auto || policy instanceof KvPolicy.Causal) {
      throw refused(
          "policy",
          "off, exact, anchored, rolling or adaptive",
          policy.word(),
          "the random model has no causal mask");
    }
    if (policy instanceof KvPolicy.Anchored a && a.firstLayer() >= step.size("layers")) {
      throw refused(
          "first layer", "below " + step.size("layers"), a.firstLayer(), "give more layers");
    }
  }

  private static IllegalArgumentException refused(
      String what, String expected, Object got, String next) {
    return new IllegalArgumentException(
        "bench ref cache: " + what + ", expected " + expected + ", got " + got + "; " + next);
  }

  /** As {@code anchored warmup=1}. */
  public String describe() {
    return switch (policy) {
      case KvPolicy.Anchored a ->
          "anchored warmup="
              + a.warmup()
              + (a.every() == KvPolicy.NEVER ? "" : " every=" + a.every())
              + (wholeDepth(a)
                  ? ""
                  : " layers="
                      + a.firstLayer()
                      + "-"
                      + Math.min(a.lastLayer(), step.size("layers") - 1));
      case KvPolicy.Rolling r -> "rolling groups=" + r.groups() + " warmup=" + r.warmup();
      case KvPolicy.Adaptive a -> "adaptive budget=" + a.budget();
      case KvPolicy.Auto a -> a.word();
      case KvPolicy.Off o -> o.word();
      case KvPolicy.Exact e -> e.word();
      case KvPolicy.Causal c -> c.word();
    };
  }

  private boolean wholeDepth(KvPolicy.Anchored anchored) {
    return anchored.firstLayer() == 0 && anchored.lastLayer() >= step.size("layers") - 1;
  }
}
