package inkstone.bench;

import inkstone.ops.Peak;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Multiply-adds in registers: what every other rate is a share of. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
public class PeakBench {
  private static final int CALLS = 100;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
  }

  @Benchmark
  public long multiplyAdds(Rate rate) {
    long flop = Peak.multiplyAdds(bench.compute(), CALLS);
    rate.gflop += 1e-9 * flop;
    return flop;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
