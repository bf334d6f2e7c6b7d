package inkstone.bench;

import inkstone.ops.Checksum;
import inkstone.ops.Gemv;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
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

/**
 * One row: the modulation of a block, whose cost is reading the weights, beside a plain read of the
 * same bytes. Calls go through copies of the weights in turn, as a forward goes through its blocks.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class GemvBench {
  private static final int OUTPUTS = 6 * 3072;
  private static final int INPUTS = 3072;

  @Param({
    "F32", "BF16", "F16", "F8_E4M3", "F8_E5M2", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K",
    "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"
  })
  public DType dtype;

  /** Factor of the weight; 1 is none. */
  @Param("1")
  public float scale;

  @Param({"1", "2"})
  public int threads;

  /**
   * Size of all copies: beyond every cache at 1100; 1 means one copy, which a large cache holds.
   */
  @Param({"1100", "1"})
  public int mebibytes;

  private Workbench bench;
  private Tensor x;
  private final List<Tensor> weights = new ArrayList<>();
  private int next;
  private Tensor out;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    x = bench.random(1, INPUTS);
    Tensor first = bench.random(dtype, OUTPUTS, INPUTS).scaled(scale);
    weights.add(first);
    long bytes = first.segment().byteSize();
    for (long size = bytes; size < (long) mebibytes << 20; size += bytes) {
      Tensor copy = Tensor.allocate(bench.arena(), "copy", dtype, Shape.of(OUTPUTS, INPUTS));
      MemorySegment.copy(first.segment(), 0, copy.segment(), 0, bytes);
      weights.add(copy.scaled(scale));
    }
    out = bench.zeros(1, OUTPUTS);
    bench.check((c, y) -> Gemv.forward(c, y, x, first, null), 5e-6, 1, OUTPUTS);
  }

  private Tensor next(Rate rate) {
    Tensor weight = weights.get(next);
    next = (next + 1) % weights.size();
    rate.gbyte += 1e-9 * weight.segment().byteSize();
    return weight;
  }

  @Benchmark
  public Tensor imgMod(Rate rate) {
    Gemv.forward(bench.compute(), out, x, next(rate), null);
    rate.gflop += 2e-9 * OUTPUTS * INPUTS;
    return out;
  }

  @Benchmark
  public int read(Rate rate) {
    return Checksum.of(bench.compute(), next(rate));
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
