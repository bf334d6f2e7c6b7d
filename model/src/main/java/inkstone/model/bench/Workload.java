package inkstone.model.bench;

import java.util.List;

/**
 * A piece of work, ready to be timed: weights and buffers are there, nothing is set up in a run.
 */
interface Workload extends AutoCloseable {
  /** A part of a larger work, timed by itself. */
  record Part(String name, String family, Runnable work) {}

  /** Does it once; the seconds that count. */
  double run();

  /**
   * Looks at the result of the last run.
   *
   * @throws IllegalStateException when it is wrong
   */
  void check();

  /** Additions and multiplications of one run. */
  double flop();

  /** Bytes that one run must read or write once. */
  double bytes();

  /** What the run consists of, in order; empty where nobody asks. */
  default List<Part> parts() {
    return List.of();
  }

  /** Bytes of weights in mapped files. */
  default long mappedBytes() {
    return 0;
  }

  @Override
  void close();

  /** Seconds that {@code work} takes. */
  static double seconds(Runnable work) {
    long start = System.nanoTime();
    work.run();
    return (System.nanoTime() - start) / 1e9;
  }
}
