package inkstone.bench;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.vae.Tiling;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
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
 * A whole decode and a whole encode of the published autoencoder with random weights; one is longer
 * than an iteration, so each iteration is one. The rate counts what the plain network multiplies
 * and adds: 3×3 taps everywhere, on the doubled picture after an upsampling, and no tiles.
 */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 1, time = 1)
@Measurement(iterations = 3, time = 1)
public class VaeBench {
  private static final int RATIO = 8;
  private static final int LATENT_CHANNELS = 16;

  @Param({"512", "1024"})
  public int side;

  @Param({"false", "true"})
  public boolean tiled;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private TensorArena weightsArena;
  private VaeDecoder decoder;
  private VaeEncoder encoder;
  private Tensor latents;
  private Tensor pixels;
  private Tiling tiling;

  @Setup(Level.Trial)
  public void setUp() throws CheckpointException {
    bench = new Workbench(threads);
    weightsArena = TensorArena.open("weights");
    Weights weights = Weights.of(new RandomVae(weightsArena));
    decoder = new VaeDecoder(bench.compute(), weightsArena, VaeConfig.QWEN_IMAGE, weights);
    encoder = new VaeEncoder(bench.compute(), weightsArena, VaeConfig.QWEN_IMAGE, weights);
    latents = bench.random(side / RATIO, side / RATIO, LATENT_CHANNELS);
    pixels = bench.random(side, side, 3);
    tiling = tiled ? Tiling.DEFAULT : Tiling.OFF;
    Tensor fewLatents = bench.random(2, 2, LATENT_CHANNELS);
    Tensor fewPixels = bench.random(2L * RATIO, 2L * RATIO, 3);
    bench.check(
        (c, out) -> {
          try (TensorArena arena = TensorArena.open("check")) {
            var small = new VaeDecoder(c, arena, VaeConfig.QWEN_IMAGE, weights);
            out.copyFrom(small.decode(arena, fewLatents, Tiling.OFF, Taps.NONE));
          } catch (CheckpointException e) {
            throw new IllegalStateException(e);
          }
        },
        1e-4,
        2L * RATIO,
        2L * RATIO,
        3);
    bench.check(
        (c, out) -> {
          try (TensorArena arena = TensorArena.open("check")) {
            var small = new VaeEncoder(c, arena, VaeConfig.QWEN_IMAGE, weights);
            out.copyFrom(small.encode(arena, fewPixels, Tiling.OFF, Taps.NONE));
          } catch (CheckpointException e) {
            throw new IllegalStateException(e);
          }
        },
        1e-4,
        2,
        2,
        LATENT_CHANNELS);
  }

  @Benchmark
  public float decode(Rate rate) {
    try (TensorArena arena = TensorArena.open("decode")) {
      Tensor picture = decoder.decode(arena, latents, tiling, Taps.NONE);
      rate.gflop += decodeGflop(side);
      return picture.getFloat(picture.elements() - 1);
    }
  }

  @Benchmark
  public float encode(Rate rate) {
    try (TensorArena arena = TensorArena.open("encode")) {
      Tensor encoded = encoder.encode(arena, pixels, tiling, Taps.NONE);
      rate.gflop += encodeGflop(side);
      return encoded.getFloat(encoded.elements() - 1);
    }
  }

  /** 10⁹ operations of a decode that is not tiled. */
  static double decodeGflop(int side) {
    double p = (double) side * side;
    double sum = conv(p / 64, 16, 384) + 10 * conv(p / 64, 384, 384) + attention(p / 64, 384);
    sum += conv(p / 16, 384, 192) + conv(p / 16, 192, 384) + conv(p / 16, 192, 384) / 9;
    sum += 5 * conv(p / 16, 384, 384);
    sum += conv(p / 4, 384, 192) + 6 * conv(p / 4, 192, 192);
    return sum + conv(p, 192, 96) + 6 * conv(p, 96, 96) + conv(p, 96, 3);
  }

  /** 10⁹ operations of an encode that is not tiled. */
  static double encodeGflop(int side) {
    double p = (double) side * side;
    double sum = conv(p, 3, 96) + 4 * conv(p, 96, 96);
    sum += conv(p / 4, 96, 96) + conv(p / 4, 96, 192) * 10 / 9 + 3 * conv(p / 4, 192, 192);
    sum += conv(p / 16, 192, 192) + conv(p / 16, 192, 384) * 10 / 9 + 3 * conv(p / 16, 384, 384);
    sum += conv(p / 64, 384, 384) + 8 * conv(p / 64, 384, 384) + attention(p / 64, 384);
    return sum + conv(p / 64, 384, 32);
  }

  private static double conv(double pixels, double in, double out) {
    return 18e-9 * pixels * in * out;
  }

  /** Products of queries, keys, values and output, and of scores and values. */
  private static double attention(double tokens, double channels) {
    return 8e-9 * tokens * channels * channels + 4e-9 * tokens * tokens * channels;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
    weightsArena.close();
  }
}
