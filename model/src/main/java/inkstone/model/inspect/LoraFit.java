package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.model.lora.Lightning;
import inkstone.model.lora.LoraMatch;
import inkstone.model.lora.LoraSet;
import java.nio.file.Path;
import java.util.List;

/**
 * A LoRA against the layers of a transformer.
 *
 * @param against the model that it was held against
 * @param matched layers that it changes
 * @param unmatched modules that it has and the transformer has not
 * @param unused keys that mean nothing here
 * @param refused why a run would refuse it; null when it would take it
 * @param lightningSteps steps of the preset that it sets; null when it is no Lightning
 */
public record LoraFit(
    String against,
    List<String> matched,
    List<String> unmatched,
    List<String> unused,
    String refused,
    Integer lightningSteps) {

  static LoraFit of(TensorArena arena, TensorSource file, Path path, LoraTarget target) {
    LoraMatch match = LoraMatch.of(file, target.config());
    String refused = null;
    Integer steps = null;
    try {
      steps = Lightning.of(path).map(Lightning::steps).orElse(null);
      LoraSet.of(
          arena, target.config(), List.of(new LoraSet.Source(Weights.of(file), 1, file.where(""))));
    } catch (CheckpointException e) {
      refused = e.getMessage();
    }
    return new LoraFit(
        target.name(), match.matched(), match.unmatched(), match.unused(), refused, steps);
  }
}
