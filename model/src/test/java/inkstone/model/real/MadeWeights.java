package inkstone.model.real;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** A checkpoint of made tensors; each is made when it is first asked for. */
final class MadeWeights implements TensorSource {
  private final TensorArena arena;
  private final Map<String, MadeTensor> specs = new TreeMap<>();
  private final Map<String, Tensor> made = new HashMap<>();

  MadeWeights(TensorArena arena, List<Json> specs) throws CheckpointException {
    this.arena = arena;
    for (Json json : specs) {
      MadeTensor spec = MadeTensor.of(json);
      this.specs.put(spec.name(), spec);
    }
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(specs.keySet());
  }

  @Override
  public Tensor tensor(String name) {
    MadeTensor spec = specs.get(name);
    if (spec == null) {
      throw new IllegalArgumentException("MadeWeights: no tensor " + name);
    }
    return made.computeIfAbsent(name, key -> spec.make(arena));
  }

  @Override
  public String where(String name) {
    return "made weights";
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }
}
