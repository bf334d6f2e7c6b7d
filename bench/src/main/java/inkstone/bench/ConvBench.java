package inkstone.bench;

import inkstone.ops.Compute;
import inkstone.ops.Conv;
import inkstone.ops.ConvWeights;
import inkstone.ops.UpsampleConv;
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

/**
 * 3×3 convolutions of the VAE at 512×512. After an upsampling, the rate counts the operations of
 * nine taps on the doubled picture, of which four in nine are done.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class ConvBench {
  /** What a layer does besides convolving. */
  enum Kind {
    PLAIN,
    RESIDUAL,
    UPSAMPLE
  }

  /** Layers by side of the result and channels in and out. */
  public enum Layer {
    DECODER_MID_64(Kind.PLAIN, 64, 384, 384),
    DECODER_UP_256(Kind.PLAIN, 256, 192, 192),
    DECODER_LAST_512(Kind.PLAIN, 512, 96, 96),
    DECODER_LAST_512_RESIDUAL(Kind.RESIDUAL, 512, 96, 96),
    /** The next one with the doubled picture and all nine taps, for comparison. */
    DECODER_DOUBLED_256(Kind.PLAIN, 256, 384, 192),
    DECODER_UPSAMPLE_256(Kind.UPSAMPLE, 256, 384, 192),
    DECODER_UPSAMPLE_512(Kind.UPSAMPLE, 512, 192, 96),
    DECODER_OUT_512(Kind.PLAIN, 512, 96, 3),
    ENCODER_IN_512(Kind.PLAIN, 512, 3, 96);

    final Kind kind;
    final int side;
    final int cin;
    final int cout;

    Layer(Kind kind, int side, int cin, int cout) {
      this.kind = kind;
      this.side = side;
      this.cin = cin;
      this.cout = cout;
    }
  }

  @Param({
    "DECODER_MID_64",
    "DECODER_LAST_512",
    "DECODER_LAST_512_RESIDUAL",
    "DECODER_DOUBLED_256",
    "DECODER_UPSAMPLE_256",
    "DECODER_UPSAMPLE_512",
    "ENCODER_IN_512"
  })
  public Layer layer;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private Tensor x;
  private ConvWeights weights;
  private UpsampleConv.Weights upsampling;
  private Tensor residual;
  private Tensor out;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    boolean upsamples = layer.kind == Kind.UPSAMPLE;
    int side = upsamples ? layer.side / 2 : layer.side;
    x = bench.random(side, side, layer.cin);
    Tensor weight = bench.random(layer.cout, layer.cin, 3, 3);
    Tensor bias = bench.random(layer.cout);
    if (upsamples) {
      upsampling = UpsampleConv.prepare(bench.arena(), weight, bias);
    } else {
      weights = Conv.prepare(bench.arena(), weight, bias);
    }
    out = bench.zeros(layer.side, layer.side, layer.cout);
    residual =
        layer.kind == Kind.RESIDUAL ? bench.random(layer.side, layer.side, layer.cout) : null;
    int rows = upsamples ? 4 : 2;
    bench.check(
        (c, y) -> forward(c, y, x.rows(0, 2), residual == null ? null : residual.rows(0, 2)),
        0, // equal bits
        rows,
        layer.side,
        layer.cout);
  }

  private void forward(Compute compute, Tensor y, Tensor picture, Tensor added) {
    if (layer.kind == Kind.UPSAMPLE) {
      UpsampleConv.forward(compute, y, picture, upsampling);
    } else {
      Conv.forward(compute, y, picture, weights, Conv.Geometry.same(3), added);
    }
  }

  @Benchmark
  public Tensor conv(Rate rate) {
    forward(bench.compute(), out, x, residual);
    rate.gflop += 18e-9 * layer.side * layer.side * layer.cin * layer.cout;
    return out;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
