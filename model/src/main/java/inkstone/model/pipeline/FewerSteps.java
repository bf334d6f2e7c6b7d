package inkstone.model.pipeline;

import java.util.ArrayList;
import java.util.List;

/** The run without reuse that costs as much as a run with it. */
final class FewerSteps {
  private FewerSteps() {}

  /**
   * How many steps cost about {@code share} of {@code steps} steps: the nearest number, 1 or more.
   */
  static int count(int steps, double share) {
    return Math.clamp(Math.round(steps * share), 1, steps);
  }

  /** The same sampling in {@code steps} steps; given sigmas are read off between the steps. */
  static Sampling of(Sampling sampling, int steps) {
    if (sampling.sigmas().isEmpty()) {
      return sampling.withSteps(steps);
    }
    int given = sampling.sigmas().size();
    List<Float> sigmas = new ArrayList<>();
    for (int i = 0; i < steps; i++) {
      double at = (double) i * given / steps;
      int from = (int) at;
      float start = sampling.sigmas().get(from);
      float end = from + 1 < given ? sampling.sigmas().get(from + 1) : 0;
      sigmas.add((float) (start + (at - from) * (end - start)));
    }
    return new Sampling(steps, sampling.cfgScale(), sampling.seed(), sampling.flowShift(), sigmas);
  }
}
