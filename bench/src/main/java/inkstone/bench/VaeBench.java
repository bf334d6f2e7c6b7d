package inkstone.bench;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.bench.RandomWeights;
import inkstone.model.bench.VaeShapes;
import inkstone.model.debug.Taps;
import inkstone.model.vae.Tiling;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.LinkedHashMap;
import java.util.Map;
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
  private VaeShapes decoderShapes;
  private VaeShapes encoderShapes;
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
    decoderShapes = VaeShapes.decoder(VaeConfig.QWEN_IMAGE, side);
    encoderShapes = VaeShapes.encoder(VaeConfig.QWEN_IMAGE, side);
    Map<String, long[]> shapes = new LinkedHashMap<>(decoderShapes.shapes());
    shapes.putAll(encoderShapes.shapes());
    Weights weights = Weights.of(RandomWeights.map(weightsArena, shapes, DType.BF16));
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
      rate.gflop += decoderShapes.flop() / 1e9;
      return picture.getFloat(picture.elements() - 1);
    }
  }

  @Benchmark
  public float encode(Rate rate) {
    try (TensorArena arena = TensorArena.open("encode")) {
      Tensor encoded = encoder.encode(arena, pixels, tiling, Taps.NONE);
      rate.gflop += encoderShapes.flop() / 1e9;
      return encoded.getFloat(encoded.elements() - 1);
    }
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
    weightsArena.close();
  }
}
