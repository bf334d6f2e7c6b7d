package inkstone.model.pipeline;

import java.util.List;

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

  public Sampling withCfgScale(double scale) {
    return new Sampling(steps, scale, seed, flowShift, sigmas);
  }
}
