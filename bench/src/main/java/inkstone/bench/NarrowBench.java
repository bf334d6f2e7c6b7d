package inkstone.bench;

import inkstone.ops.Int8Rows;
import inkstone.ops.Narrow;
import inkstone.ops.RowDifference;
import inkstone.ops.Rows;
import inkstone.ops.Widen;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
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

/** Keys of a 1024² reference in one block, kept in fewer bits; bound by memory. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class NarrowBench {
  private static final int TOKENS = 4096;
  private static final int HEADS = 24;
  private static final int HEAD_DIM = 128;
  private static final double ELEMENTS = 1e-9 * TOKENS * HEADS * HEAD_DIM;
  private static final int STEP = 4;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private Tensor keys;
  private Tensor out;
  private Tensor bf16;
  private Tensor f16;
  private Tensor int8;
  private Tensor scales;
  private int[] rows;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    keys = bench.random(TOKENS, HEADS, HEAD_DIM);
    out = bench.zeros(TOKENS, HEADS, HEAD_DIM);
    bf16 = stored(DType.BF16);
    f16 = stored(DType.F16);
    int8 = stored(DType.I8);
    scales = bench.zeros(TOKENS, HEADS);
    rows = new int[TOKENS / STEP];
    for (int i = 0; i < rows.length; i++) {
      rows[i] = STEP * i + 1;
    }
    Tensor few = keys.rows(0, 5);
    for (Tensor store : new Tensor[] {bf16, f16}) {
      bench.check(
          (c, y) -> {
            Narrow.forward(c, store.rows(0, 5), few);
            Widen.forward(c, y, store.rows(0, 5));
          },
          0,
          5,
          HEADS,
          HEAD_DIM);
    }
    bench.check(
        (c, y) -> {
          Int8Rows.quantize(c, int8.rows(0, 5), scales.rows(0, 5), few);
          Int8Rows.dequantize(c, y, int8.rows(0, 5), scales.rows(0, 5));
        },
        0,
        5,
        HEADS,
        HEAD_DIM);
    Narrow.forward(bench.compute(), bf16, keys);
    Int8Rows.quantize(bench.compute(), int8, scales, keys);
  }

  private Tensor stored(DType type) {
    return Tensor.allocate(bench.arena(), "stored", type, Shape.of(TOKENS, HEADS, HEAD_DIM));
  }

  @Benchmark
  public Tensor narrowBf16(Rate rate) {
    Narrow.forward(bench.compute(), bf16, keys);
    rate.gbyte += 6 * ELEMENTS;
    return bf16;
  }

  @Benchmark
  public Tensor narrowF16(Rate rate) {
    Narrow.forward(bench.compute(), f16, keys);
    rate.gbyte += 6 * ELEMENTS;
    return f16;
  }

  @Benchmark
  public Tensor widenBf16(Rate rate) {
    Widen.forward(bench.compute(), out, bf16);
    rate.gbyte += 6 * ELEMENTS;
    return out;
  }

  @Benchmark
  public Tensor quantize(Rate rate) {
    Int8Rows.quantize(bench.compute(), int8, scales, keys);
    rate.gbyte += (5 + 4.0 / HEAD_DIM) * ELEMENTS;
    return int8;
  }

  @Benchmark
  public Tensor dequantize(Rate rate) {
    Int8Rows.dequantize(bench.compute(), out, int8, scales);
    rate.gbyte += (5 + 4.0 / HEAD_DIM) * ELEMENTS;
    return out;
  }

  @Benchmark
  public Tensor scatterEveryFourth(Rate rate) {
    Rows.scatter(bench.compute(), out, rows, keys.rows(0, rows.length));
    rate.gbyte += 8 * ELEMENTS / STEP;
    return out;
  }

  @Benchmark
  public RowDifference squares(Rate rate) {
    RowDifference difference = RowDifference.squares(bench.compute(), out, keys);
    rate.gbyte += 8 * ELEMENTS;
    return difference;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
