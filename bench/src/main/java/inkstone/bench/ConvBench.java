package inkstone.bench;

import inkstone.ops.Conv;
import inkstone.ops.ConvWeights;
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

/** 3×3 convolutions of the VAE decoder at 512×512. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class ConvBench {
  /** Layers by side of the picture and channels in and out. */
  public enum Layer {
    DECODER_MID_64(64, 384, 384),
    DECODER_UP_256(256, 192, 192),
    DECODER_LAST_512(512, 96, 96),
    DECODER_OUT_512(512, 96, 3),
    ENCODER_IN_512(512, 3, 96);

    final int side;
    final int cin;
    final int cout;

    Layer(int side, int cin, int cout) {
      this.side = side;
      this.cin = cin;
      this.cout = cout;
    }
  }

  @Param({"DECODER_MID_64", "DECODER_LAST_512", "ENCODER_IN_512"})
  public Layer layer;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private Tensor x;
  private ConvWeights weights;
  private Tensor out;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    x = bench.random(layer.side, layer.side, layer.cin);
    weights =
        Conv.prepare(
            bench.arena(), bench.random(layer.cout, layer.cin, 3, 3), bench.random(layer.cout));
    out = bench.zeros(layer.side, layer.side, layer.cout);
    bench.check(
        (c, y) -> Conv.forward(c, y, x.rows(0, 2), weights, Conv.Geometry.same(3)),
        0, // equal bits
        2,
        layer.side,
        layer.cout);
  }

  @Benchmark
  public Tensor conv(Rate rate) {
    Conv.forward(bench.compute(), out, x, weights, Conv.Geometry.same(3));
    rate.gflop += 18e-9 * layer.side * layer.side * layer.cin * layer.cout;
    return out;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
