package inkstone.model.bench;

import inkstone.ops.Compute;
import inkstone.ops.Peak;

/** Multiply-adds in registers, for some hundredths of a second a run. */
final class PeakWorkload implements Workload {
  private static final int CALLS = 200;
  private static final long NANOS = 40_000_000;

  private final Compute compute;
  private double flop;

  PeakWorkload(Compute compute) {
    this.compute = compute;
    Peak.warmUp(compute);
  }

  /** The mean time of one call. */
  @Override
  public double run() {
    long start = System.nanoTime();
    long end = start;
    int calls = 0;
    while (end - start < NANOS) {
      flop = Peak.multiplyAdds(compute, CALLS);
      calls++;
      end = System.nanoTime();
    }
    return (end - start) / 1e9 / calls;
  }

  @Override
  public void check() {}

  @Override
  public double flop() {
    return flop;
  }

  @Override
  public double bytes() {
    return 0;
  }

  @Override
  public void close() {}
}
