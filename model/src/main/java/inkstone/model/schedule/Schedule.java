package inkstone.model.schedule;

import java.util.Arrays;

/**
 * The noise levels of one run. Arrays are shared; nobody changes them.
 *
 * @param sigmas {@code steps + 1} values, the last one 0
 * @param timesteps {@code steps} values, 1000 times the sigmas at which the model is called
 * @param mu the dynamic shift that was used, or NaN where the shift is static
 */
@SuppressWarnings("ArrayRecordComponent")
public record Schedule(float[] sigmas, float[] timesteps, double mu) {
  public int steps() {
    return timesteps.length;
  }

  /** Noise level at which step {@code i} calls the model. */
  public float sigma(int i) {
    return sigmas[i];
  }

  /** {@code sigma(i + 1) - sigma(i)}: negative, the length of step {@code i}. */
  public float dt(int i) {
    return sigmas[i + 1] - sigmas[i];
  }

  /**
   * What the transformer is given at step {@code i}: the timestep over 1000 in float32, which may
   * differ from the sigma in its last bit.
   */
  public float modelTimestep(int i) {
    return timesteps[i] / 1000;
  }

  @Override
  public boolean equals(Object o) {
    return o instanceof Schedule other
        && Arrays.equals(sigmas, other.sigmas)
        && Arrays.equals(timesteps, other.timesteps)
        && Double.compare(mu, other.mu) == 0;
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(sigmas) * 31 + Arrays.hashCode(timesteps) + Double.hashCode(mu);
  }

  @Override
  public String toString() {
    return "Schedule[sigmas=" + Arrays.toString(sigmas) + ", mu=" + mu + "]";
  }
}
