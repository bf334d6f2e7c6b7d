package inkstone.model.real;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.nio.file.Path;

/**
 * One golden of {@code reference/real_dims.py}: a slice of {@code golden/real}, whose weights and
 * inputs are made here, or whole tensors of a folder, beside weights as a library saves them.
 */
final class RealCase implements AutoCloseable {
  private final Golden golden;
  private final Path folder;
  private final RealReport report;

  private RealCase(Golden golden, Path folder, RealReport report) {
    this.golden = golden;
    this.folder = folder;
    this.report = report;
  }

  /** A checked-in slice. */
  static RealCase slice(String name) throws CheckpointException {
    return new RealCase(Golden.open("real/" + name), null, null);
  }

  /** Whole tensors, {@code folder/name.safetensors}. */
  static RealCase whole(Path folder, String name, RealReport report) throws CheckpointException {
    return new RealCase(Golden.openFile(folder.resolve(name + ".safetensors")), folder, report);
  }

  String name() {
    return golden.caseName();
  }

  Json request() throws CheckpointException {
    return golden.request();
  }

  /** The config.json that the model's own class wrote. */
  String config() throws CheckpointException {
    return golden.request().get("config").asString();
  }

  Weights weights(TensorArena arena) throws CheckpointException {
    return folder == null
        ? Weights.of(new MadeWeights(arena, request().get("weights").items()))
        : Weights.open(arena, folder.resolve(request().get("model").asString()));
  }

  /** An input, stored or made. */
  Tensor input(String key) throws CheckpointException {
    if (golden.has(key)) {
      return golden.tensor(key);
    }
    for (Json json : request().get("inputs").items()) {
      MadeTensor spec = MadeTensor.of(json);
      if (spec.name().equals(key)) {
        return spec.make(golden.arena());
      }
    }
    throw new AssertionError("no input " + key + " in " + name());
  }

  /** The comparison of this case's outputs. */
  Comparison comparison() {
    return folder == null
        ? new SliceComparison(name(), golden)
        : new WholeComparison(name(), golden, report);
  }

  TensorArena arena() {
    return golden.arena();
  }

  @Override
  public void close() {
    golden.close();
  }
}
