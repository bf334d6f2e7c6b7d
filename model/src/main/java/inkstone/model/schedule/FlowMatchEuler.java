package inkstone.model.schedule;

import inkstone.loader.config.SchedulerConfig;
import inkstone.ops.Compute;
import inkstone.ops.Elementwise;
import inkstone.tensor.Tensor;

/**
 * The flow-matching Euler sampler: a list of noise levels from near 1 to 0 and one multiply-add a
 * step. Schedules equal {@code set_timesteps} of diffusers' {@code
 * scheduling_flow_match_euler_discrete.py} as the Qwen-Image pipelines call it, in float32 and in
 * its order of operations.
 *
 * <p>Where diffusers divides zero by zero (a terminal stretch of a schedule that consists of sigma
 * 1 alone, so any run of one step) the sigma stays 1. Karras, exponential and beta sigmas, inverted
 * sigmas and stochastic sampling are refused by name.
 */
public final class FlowMatchEuler {
  /** More steps than this are a typing mistake. */
  public static final int MAX_STEPS = 10_000;

  /** Float32 rounding of the shift may lift the first sigma this far above 1, as in diffusers. */
  private static final float ROUNDING = 1e-6f;

  private FlowMatchEuler() {}

  /**
   * The schedule of {@code steps} evenly spaced sigmas from 1 to {@code 1 / steps}, shifted as the
   * configuration says.
   *
   * @param imageSeqLen tokens of the target picture, references not counted
   */
  public static Schedule schedule(SchedulerConfig config, int steps, int imageSeqLen) {
    return schedule(config, linspace(steps), imageSeqLen);
  }

  /**
   * The schedule of given sigmas, which are shifted and stretched too, as diffusers does.
   *
   * @param sigmas finite, strictly decreasing, each above 0 and at most 1
   */
  public static Schedule schedule(SchedulerConfig config, float[] sigmas, int imageSeqLen) {
    requireSupported(config);
    requireSigmas(sigmas);
    if (!config.useDynamicShifting()) {
      return build(config, shifted(sigmas, config.shift()), Double.NaN);
    }
    if (imageSeqLen <= 0) {
      throw new IllegalArgumentException(
          "FlowMatchEuler.schedule: image tokens, expected 1 or more, got " + imageSeqLen);
    }
    double mu = calculateShift(config, imageSeqLen);
    double numerator =
        config.timeShiftType() == SchedulerConfig.TimeShift.LINEAR ? mu : Math.exp(mu);
    return build(config, dynamicallyShifted(sigmas, numerator), mu);
  }

  /** The mu of a target of {@code imageSeqLen} tokens: a straight line through two given points. */
  public static double calculateShift(SchedulerConfig config, int imageSeqLen) {
    double m =
        (config.maxShift() - config.baseShift())
            / (double) (config.maxImageSeqLen() - config.baseImageSeqLen());
    double b = config.baseShift() - m * config.baseImageSeqLen();
    return imageSeqLen * m + b;
  }

  /**
   * One step in place: {@code sample += dt * velocity}, rounded to float32 after the product and
   * after the sum.
   *
   * @param dt {@link Schedule#dt}
   */
  public static void step(Compute compute, Tensor sample, Tensor velocity, float dt) {
    Elementwise.addScaled(compute, sample, velocity, dt);
  }

  /**
   * Refuses configurations whose schedules this class does not compute; a pipeline calls it when it
   * opens a model.
   */
  public static void requireSupported(SchedulerConfig config) {
    refuse("use_karras_sigmas", config.useKarrasSigmas());
    refuse("use_exponential_sigmas", config.useExponentialSigmas());
    refuse("use_beta_sigmas", config.useBetaSigmas());
    refuse("invert_sigmas", config.invertSigmas());
    refuse("stochastic_sampling", config.stochasticSampling());
  }

  private static void refuse(String key, boolean value) {
    if (value) {
      throw new IllegalArgumentException(
          "FlowMatchEuler: "
              + key
              + ", expected false, got true: this schedule is not supported; use a model whose scheduler_config.json"
              + " does not set it");
    }
  }

  private static void requireSigmas(float[] sigmas) {
    if (sigmas.length == 0 || sigmas.length > MAX_STEPS) {
      throw new IllegalArgumentException(
          "FlowMatchEuler: sigmas, expected 1 to " + MAX_STEPS + " of them, got " + sigmas.length);
    }
    for (int i = 0; i < sigmas.length; i++) {
      if (!(sigmas[i] > 0 && sigmas[i] <= 1)) {
        throw new IllegalArgumentException(
            "FlowMatchEuler: sigma "
                + (i + 1)
                + ", expected a number above 0 and at most 1, got "
                + sigmas[i]
                + "; the final 0 is added by itself");
      }
      if (i > 0 && !(sigmas[i] < sigmas[i - 1])) {
        throw new IllegalArgumentException(
            "FlowMatchEuler: sigma "
                + (i + 1)
                + ", expected less than "
                + sigmas[i - 1]
                + " before it, got "
                + sigmas[i]
                + "; list sigmas from large to small");
      }
    }
  }

  /** {@code np.linspace(1, 1 / steps, steps)} rounded to float32. */
  private static float[] linspace(int steps) {
    if (steps < 1 || steps > MAX_STEPS) {
      throw new IllegalArgumentException(
          "FlowMatchEuler: steps, expected 1 to " + MAX_STEPS + ", got " + steps);
    }
    float[] sigmas = new float[steps];
    double stop = 1.0 / steps;
    double stride = (stop - 1) / (steps - 1);
    sigmas[0] = 1;
    for (int i = 1; i < steps - 1; i++) {
      sigmas[i] = (float) (i * stride + 1);
    }
    sigmas[steps - 1] = (float) stop;
    return sigmas;
  }

  private static float[] shifted(float[] sigmas, double shift) {
    if (!(shift > 0) || Double.isInfinite(shift)) {
      throw new IllegalArgumentException(
          "FlowMatchEuler: shift, expected a finite number above 0, got " + shift);
    }
    float s = (float) shift;
    float less = (float) (shift - 1);
    float[] result = new float[sigmas.length];
    for (int i = 0; i < sigmas.length; i++) {
      result[i] = s * sigmas[i] / (1 + less * sigmas[i]);
    }
    return result;
  }

  private static float[] dynamicallyShifted(float[] sigmas, double numerator) {
    float n = (float) numerator;
    float[] result = new float[sigmas.length];
    for (int i = 0; i < sigmas.length; i++) {
      result[i] = n / (n + (1 / sigmas[i] - 1));
    }
    return result;
  }

  /** Moves the last sigma to {@code terminal} and the others in proportion; 1 stays. */
  private static void stretch(float[] sigmas, double terminal) {
    float last = 1 - sigmas[sigmas.length - 1];
    if (last <= 0) {
      return;
    }
    float factor = last / (float) (1 - terminal);
    for (int i = 0; i < sigmas.length; i++) {
      sigmas[i] = 1 - (1 - sigmas[i]) / factor;
    }
  }

  private static Schedule build(SchedulerConfig config, float[] sigmas, double mu) {
    if (config.shiftTerminal() != 0) {
      stretch(sigmas, config.shiftTerminal());
    }
    float[] withZero = new float[sigmas.length + 1];
    float[] timesteps = new float[sigmas.length];
    for (int i = 0; i < sigmas.length; i++) {
      if (!(sigmas[i] > 0 && sigmas[i] <= 1 + ROUNDING)) {
        throw new IllegalArgumentException(
            "FlowMatchEuler: shifted sigma "
                + (i + 1)
                + ", expected a number above 0 and at most 1, got "
                + sigmas[i]
                + "; check shift, shift_terminal, base_shift and max_shift of the scheduler's configuration");
      }
      withZero[i] = sigmas[i];
      timesteps[i] = sigmas[i] * config.numTrainTimesteps();
    }
    return new Schedule(withZero, timesteps, mu);
  }
}
