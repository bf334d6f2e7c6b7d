package inkstone.bench;

import inkstone.kernel.ElementType;
import inkstone.kernel.KernelProvider;
import inkstone.kernel.Kernels;
import inkstone.kernel.ScalarKernels;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Stored weights to F32 in runs of 256, as the GEMM does to pack them: elements a nanosecond. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class WidenBench {
  private static final int ROWS = 16;
  private static final int COLUMNS = 3072;
  private static final int RUN = 256;

  @Param({
    "F32", "BF16", "F16", "F8_E4M3", "F8_E5M2", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K",
    "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"
  })
  public DType dtype;

  private final Kernels kernels = KernelProvider.best();
  private Workbench bench;
  private ElementType type;
  private Tensor weight;
  private Tensor out;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(1);
    type = ElementType.valueOf(dtype.name());
    weight = bench.random(dtype, ROWS, COLUMNS);
    out = bench.zeros(ROWS, RUN);
    Tensor expected = bench.zeros(weight.elements());
    Tensor actual = bench.zeros(weight.elements());
    new ScalarKernels().widen(expected.address(), weight.address(), type, 1, weight.elements());
    kernels.widen(actual.address(), weight.address(), type, 1, weight.elements());
    if (actual.segment().mismatch(expected.segment()) >= 0) {
      throw new IllegalStateException(
          "bench: widening of " + dtype + ", expected the scalar bits, got others");
    }
  }

  @Benchmark
  @OperationsPerInvocation(ROWS * COLUMNS)
  public Tensor widen() {
    for (int k = 0; k < COLUMNS; k += RUN) {
      for (int row = 0; row < ROWS; row++) {
        kernels.widen(
            out.address() + 4L * row * RUN,
            weight.address() + type.bytes((long) row * COLUMNS + k),
            type,
            1,
            RUN);
      }
    }
    return out;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
