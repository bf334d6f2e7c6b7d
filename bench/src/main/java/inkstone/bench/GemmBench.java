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

/** Linear layers of the transformer at 2,048 image and 256 text tokens. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class GemmBench {
  /** Layers by rows, outputs and inputs. */
  public enum Layer {
    TO_Q_2304(2304, 3072, 3072),
    MLP_UP_2304(2304, 12288, 3072),
    MLP_DOWN_2304(2304, 3072, 12288),
    TXT_MLP_UP_256(256, 12288, 3072),
    IMG_IN_2048(2048, 3072, 64),
    TINY_MLP_UP_64(64, 1024, 256);

    final int rows;
    final int n;
    final int k;

    Layer(int rows, int n, int k) {
      this.rows = rows;
      this.n = n;
      this.k = k;
    }
  }

  @Param({"TO_Q_2304", "MLP_UP_2304"})
  public Layer layer;

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

  private Workbench bench;
  private Tensor x;
  private Tensor weight;
  private Tensor bias;
  private Tensor out;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    x = bench.random(layer.rows, layer.k);
    weight = bench.random(dtype, layer.n, layer.k).scaled(scale);
    bias = bench.random(layer.n);
    out = bench.zeros(layer.rows, layer.n);
    bench.check(
        (c, y) -> Linear.forward(c, y, x.rows(0, 3), weight, bias), 0, 3, layer.n); // equal bits
  }

  @Benchmark
  public Tensor linear(Rate rate) {
    Linear.forward(bench.compute(), out, x, weight, bias);
    rate.gflop += 2e-9 * layer.rows * layer.n * layer.k;
    return out;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
