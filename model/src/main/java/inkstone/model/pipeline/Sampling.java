package inkstone.model.pipeline;

import java.util.List;
import java.util.concurrent.ThreadLocalRandom;

/**
 * How noise becomes a picture.
 *
 * @param steps denoising steps, 1 to 1000; ignored when {@code sigmas} are given
 * @param cfgScale true classifier-free guidance; above 1 and with a negative prompt the model runs
 *     twice a step
 * @param seed of the torch-compatible noise
 * @param sigmas noise levels to start each step from, before the shift; empty: even from 1 to
 *     1/steps
 */
public record Sampling(
    int steps, double cfgScale, long seed, FlowShift flowShift, List<Float> sigmas) {
  public static final int MAX_STEPS = 1000;

  /** Enough for the embedded model; the real one is usually run with 20 to 50. */
  public static final int DEFAULT_STEPS = 20;

  /** Random seeds stay short enough to read aloud; torch's CPU generator uses 32 bits anyway. */
  private static final long RANDOM_SEED_BOUND = 1L << 32;

  public Sampling {
    sigmas = List.copyOf(sigmas);
    if (steps < 1 || steps > MAX_STEPS) {
      throw new IllegalArgumentException("steps: expected 1 to " + MAX_STEPS + ", got " + steps);
    }
    if (sigmas.size() > MAX_STEPS) {
      throw new IllegalArgumentException(
          "sigmas: expected at most " + MAX_STEPS + ", got " + sigmas.size());
    }
    if (!(cfgScale >= 0 && cfgScale <= 100)) {
      throw new IllegalArgumentException("cfg scale: expected 0 to 100, got " + cfgScale);
    }
  }

  /** No guidance, the model's own schedule. */
  public static Sampling of(int steps, long seed) {
    return new Sampling(steps, 1.0, seed, FlowShift.AUTO, List.of());
  }

  /** {@link #DEFAULT_STEPS} steps from a random seed, which {@link #seed} tells. */
  public static Sampling defaults() {
    return of(DEFAULT_STEPS, randomSeed());
  }

  /** A seed from 0 to 2³² - 1. */
  public static long randomSeed() {
    return ThreadLocalRandom.current().nextLong(RANDOM_SEED_BOUND);
  }

  public Sampling withSteps(int count) {
    return new Sampling(count, cfgScale, seed, flowShift, sigmas);
  }

  public Sampling withSeed(long number) {
    return new Sampling(steps, cfgScale, number, flowShift, sigmas);
  }

  public Sampling withCfgScale(double scale) {
    return new Sampling(steps, scale, seed, flowShift, sigmas);
  }
}
