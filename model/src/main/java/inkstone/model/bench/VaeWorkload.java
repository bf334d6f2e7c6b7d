package inkstone.model.bench;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.vae.Tiling;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;

/** One half of the autoencoder on a square frame, whole, not in tiles. */
final class VaeWorkload implements Workload {
  private final TensorArena arena = TensorArena.open("bench vae");
  private final VaeShapes shapes;
  private final RandomWeights weights;
  private final VaeDecoder decoder;
  private final VaeEncoder encoder;
  private final Tensor in;
  private TensorArena resultArena;
  private Tensor result;

  VaeWorkload(Compute compute, BenchCase of) {
    VaeConfig config = config(of.size("base_dim"));
    int side = of.size("size");
    int ratio = config.spatialCompression();
    if (side % ratio != 0) {
      arena.close();
      throw new IllegalArgumentException(
          "bench "
              + of.work().word()
              + ": size, expected a multiple of "
              + ratio
              + " pixels, got "
              + side
              + "; give another");
    }
    boolean decodes = of.work() == BenchWork.VAE_DECODE;
    shapes = decodes ? VaeShapes.decoder(config, side) : VaeShapes.encoder(config, side);
    try {
      weights = RandomWeights.map(arena, shapes.shapes(), of.dtype());
      Weights at = Weights.of(weights);
      decoder = decodes ? new VaeDecoder(compute, arena, config, at) : null;
      encoder = decodes ? null : new VaeEncoder(compute, arena, config, at);
    } catch (CheckpointException e) {
      arena.close();
      throw new IllegalStateException(
          "bench: random VAE, expected one that can be built, got " + e.getMessage(), e);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
    in =
        decodes
            ? Tensor.f32(arena, "latents", side / ratio, side / ratio, config.zDim())
            : Tensor.f32(arena, "pixels", side, side, config.inputChannels());
    RandomValues.fill(in, 1, 1);
  }

  private static VaeConfig config(int baseDim) {
    VaeConfig real = VaeConfig.QWEN_IMAGE;
    return new VaeConfig(
        baseDim,
        real.zDim(),
        real.dimMult(),
        real.numResBlocks(),
        real.attnScales(),
        real.temperalDownsample(),
        real.inputChannels(),
        real.latentsMean(),
        real.latentsStd());
  }

  @Override
  public double run() {
    if (resultArena != null) {
      resultArena.close();
    }
    resultArena = arena.child("result");
    return Workload.seconds(() ->
        result =
            decoder == null
                ? encoder.encode(resultArena, in, Tiling.OFF, Taps.NONE)
                : decoder.decode(resultArena, in, Tiling.OFF, Taps.NONE));
  }

  @Override
  public void check() {
    Results.requireFinite(decoder == null ? "latents" : "pixels", result);
  }

  @Override
  public double flop() {
    return shapes.flop();
  }

  @Override
  public double bytes() {
    return (double) weights.bytes() + in.segment().byteSize() + result.segment().byteSize();
  }

  @Override
  public long mappedBytes() {
    return weights.bytes();
  }

  @Override
  public void close() {
    arena.close();
  }
}
