package inkstone.model.bench;

import java.util.Arrays;
import java.util.List;

/**
 * Seconds of each run, in order.
 *
 * @param seconds one or more
 */
public record BenchTimes(List<Double> seconds) {
  public BenchTimes {
    seconds = List.copyOf(seconds);
    if (seconds.isEmpty()) {
      throw new IllegalArgumentException(
          "BenchTimes: runs, expected one or more, got none; run the work first");
    }
  }

  /** The middle one; of an even number, the mean of the two in the middle. */
  public double median() {
    double[] sorted = sorted();
    int half = sorted.length / 2;
    return sorted.length % 2 == 1 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
  }

  public double min() {
    return sorted()[0];
  }

  public double max() {
    return sorted()[seconds.size() - 1];
  }

  private double[] sorted() {
    double[] sorted = seconds.stream().mapToDouble(Double::doubleValue).toArray();
    Arrays.sort(sorted);
    return sorted;
  }
}
