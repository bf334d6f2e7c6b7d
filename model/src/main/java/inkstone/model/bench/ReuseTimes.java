package inkstone.model.bench;

import java.util.ArrayList;
import java.util.List;

/**
 * Seconds of steps or loops.
 *
 * @param whole all of each
 * @param blocks what its blocks took; the rest is embedding and output, once a step however many
 *     blocks there are
 */
public record ReuseTimes(BenchTimes whole, BenchTimes blocks) {
  /** Collects them. */
  static final class Samples {
    private final List<Double> whole = new ArrayList<>();
    private final List<Double> blocks = new ArrayList<>();

    void add(double wholeSeconds, double blockSeconds) {
      whole.add(wholeSeconds);
      blocks.add(blockSeconds);
    }

    int count() {
      return whole.size();
    }

    /** Null when there are none. */
    ReuseTimes times() {
      return whole.isEmpty() ? null : new ReuseTimes(new BenchTimes(whole), new BenchTimes(blocks));
    }
  }

  /** Median of the whole, in seconds. */
  public double median() {
    return whole.median();
  }
}
