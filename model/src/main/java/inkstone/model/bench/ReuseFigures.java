package inkstone.model.bench;

/**
 * What was measured of one loop, run some times.
 *
 * @param full steps that computed all rows
 * @param reusing steps that left some out, or read what an earlier step found; null when there were
 *     none
 * @param loop whole loops, with what they open and close
 * @param steps of a loop
 * @param reusingSteps of a loop
 * @param flop operations of a loop's blocks, as counted
 * @param reusingFlop the same of a step that reuses; their mean
 * @param rowsComputed rows times blocks of a loop whose keys and values were computed
 * @param rowsReused rows times blocks of a loop that were not computed
 * @param cacheBytes memory of the kept keys and values
 */
public record ReuseFigures(
    ReuseTimes full,
    ReuseTimes reusing,
    ReuseTimes loop,
    int steps,
    int reusingSteps,
    double flop,
    double reusingFlop,
    long rowsComputed,
    long rowsReused,
    long cacheBytes) {
  /** Operations of a full step; their mean. */
  public double fullFlop() {
    return (flop - reusingSteps * reusingFlop) / (steps - reusingSteps);
  }
}
