package inkstone.bench;

import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
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

/** The JVM's own copy on one thread: the yardstick of memory (64 MiB) and of caches (1 MiB). */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class CopyBench {
  @Param({"64", "1"})
  public int mebibytes;

  private Workbench bench;
  private Tensor x;
  private Tensor out;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(1);
    x = bench.random((long) mebibytes << 18);
    out = bench.zeros((long) mebibytes << 18);
    copy(new Rate());
    if (out.segment().mismatch(x.segment()) >= 0) {
      throw new IllegalStateException("bench: copy, expected equal bytes, got others");
    }
  }

  @Benchmark
  public Tensor copy(Rate rate) {
    MemorySegment.copy(x.segment(), 0, out.segment(), 0, x.segment().byteSize());
    rate.gbyte += 2e-9 * x.segment().byteSize();
    return out;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
