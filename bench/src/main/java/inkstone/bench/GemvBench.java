package inkstone.bench;

import inkstone.ops.Linear;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
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

/** One row: the modulation of a block, whose cost is reading the weights. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class GemvBench {
  private static final int OUTPUTS = 6 * 3072;
  private static final int INPUTS = 3072;

  @Param({"F32", "BF16", "F16"})
  public DType dtype;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private Tensor x;
  private Tensor weight;
  private Tensor out;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    x = bench.random(1, INPUTS);
    weight = bench.random(dtype, OUTPUTS, INPUTS);
    out = bench.zeros(1, OUTPUTS);
    bench.check((c, y) -> Linear.forward(c, y, x, weight, null), 0, 1, OUTPUTS); // equal bits
  }

  @Benchmark
  public Tensor imgMod(Rate rate) {
    Linear.forward(bench.compute(), out, x, weight, null);
    rate.gflop += 2e-9 * OUTPUTS * INPUTS;
    rate.gbyte += 1e-9 * OUTPUTS * INPUTS * dtype.bytes();
    return out;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
