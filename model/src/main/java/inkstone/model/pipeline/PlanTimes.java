package inkstone.model.pipeline;

import java.util.List;
import java.util.Map;

/**
 * How long a run would take on this machine, as it is now.
 *
 * @param stages seconds of each stage
 * @param firstStep seconds of the first step, all branches
 * @param fullStep seconds of a later step that computes everything; the first where there is none
 * @param reusedStep seconds of the cheapest step
 * @param rates what was measured
 */
public record PlanTimes(
    Map<Stage, Double> stages,
    double firstStep,
    double fullStep,
    double reusedStep,
    List<Rate> rates) {
  /**
   * A rate.
   *
   * @param what was measured, with its sizes
   * @param perSecond operations, or bytes, a second
   * @param unit FLOP or bytes
   */
  public record Rate(String what, double perSecond, String unit) {}

  public PlanTimes {
    stages = Map.copyOf(stages);
    rates = List.copyOf(rates);
  }

  /** Seconds of the whole run. */
  public double seconds() {
    return stages.values().stream().mapToDouble(Double::doubleValue).sum();
  }
}
