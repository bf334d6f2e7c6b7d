package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.nio.file.Path;
import java.util.Random;

/** The autoencoder of a model folder with all that it needs, for tests. */
final class TinyVae implements AutoCloseable {
  static final Path TINY = Golden.tinyModel().resolve("vae");

  final Compute compute;
  final TensorArena weightsArena = TensorArena.open("weights");
  final TensorArena arena = TensorArena.open("run");
  final VaeConfig config;
  final Weights weights;
  final VaeEncoder encoder;
  final VaeDecoder decoder;

  TinyVae(Path folder, Compute compute) throws CheckpointException {
    this.compute = compute;
    this.config = VaeConfig.read(folder);
    this.weights = Weights.open(weightsArena, folder);
    this.encoder = new VaeEncoder(compute, weightsArena, config, weights);
    this.decoder = new VaeDecoder(compute, weightsArena, config, weights);
  }

  /** The embedded model on two threads. */
  static TinyVae open() throws CheckpointException {
    return new TinyVae(TINY, Compute.open(2));
  }

  /** A tensor of values in -1..1 that depend on the seed alone. */
  static Tensor random(TensorArena arena, long seed, long... dims) {
    Tensor tensor = Tensor.f32(arena, "random", dims);
    Random random = new Random(seed);
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setFloat(i, random.nextFloat(-1, 1));
    }
    return tensor;
  }

  @Override
  public void close() {
    arena.close();
    weightsArena.close();
    compute.close();
  }
}
