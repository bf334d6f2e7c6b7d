package inkstone.model.pipeline;

import java.util.List;

/**
 * What the reference cache did in one run.
 *
 * @param policy its name; what {@code auto} or a lack of memory made of the request
 * @param dtype how keys and values were stored; empty when none were
 * @param approximate whether the picture may differ from that of policy off
 * @param fullSteps passes over all rows, both branches of guidance counted
 * @param cachedSteps passes over text and target
 * @param partialSteps passes over text, target and some reference rows
 * @param prefills passes over one reference alone
 * @param flop operations of linear layers and attention in the blocks
 * @param flopOff the same when nothing is reused
 * @param rowsComputed rows times blocks whose keys and values were computed
 * @param rowsReused rows times blocks that were not computed
 * @param bytes memory of the kept keys and values
 * @param bytesRead kept bytes that passes read
 * @param hits passes that read kept keys and values
 * @param misses times that what was kept was for something else, or that a reference was not in the
 *     bank
 * @param missedFields what differed at the misses
 * @param drift relative L2 distance of fresh keys and values from the kept ones, at each refresh
 */
public record CacheStats(
    String policy,
    String dtype,
    boolean approximate,
    int fullSteps,
    int cachedSteps,
    int partialSteps,
    int prefills,
    double flop,
    double flopOff,
    long rowsComputed,
    long rowsReused,
    long bytes,
    long bytesRead,
    int hits,
    int misses,
    List<String> missedFields,
    List<Double> drift) {
  public CacheStats {
    missedFields = List.copyOf(missedFields);
    drift = List.copyOf(drift);
  }

  /** Share of the operations that were saved, 0 to 1. */
  public double saved() {
    return flopOff == 0 ? 0 : 1 - flop / flopOff;
  }
}
