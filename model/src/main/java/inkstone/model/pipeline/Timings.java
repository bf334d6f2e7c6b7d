package inkstone.model.pipeline;

import java.util.Map;

/**
 * Wall time of a run.
 *
 * @param stages seconds of each stage that ran, in order
 */
public record Timings(Map<Stage, Double> stages) {
  public double totalSeconds() {
    return stages.values().stream().mapToDouble(Double::doubleValue).sum();
  }
}
