package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.form.PartKind;
import inkstone.loader.form.PartSource;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The transformer that LoRAs are held against.
 *
 * @param name for the report
 */
public record LoraTarget(TransformerConfig config, String name) {
  /** All published models have the same layers. */
  public static final LoraTarget PUBLISHED =
      new LoraTarget(
          TransformerConfig.QWEN_IMAGE,
          "the published Qwen-Image, " + TransformerConfig.QWEN_IMAGE.numLayers() + " blocks");

  /**
   * Of a model.
   *
   * @param model a model folder, a transformer's folder, or a transformer's file
   */
  public static LoraTarget of(Path model) throws CheckpointException {
    Path transformer =
        Files.isDirectory(model.resolve("transformer")) ? model.resolve("transformer") : model;
    Path config = Files.isDirectory(transformer) ? ComponentReader.configIn(transformer) : null;
    if (config != null) {
      return new LoraTarget(TransformerConfig.read(config), model.toString());
    }
    try (TensorArena arena = TensorArena.open("inspect")) {
      TensorSource source = Weights.source(arena, transformer);
      String prefix = PartKind.of(source.names()).get(PartKind.TRANSFORMER);
      if (prefix == null) {
        throw CheckpointException.of(
            "-m: expected "
                + PartKind.TRANSFORMER.words()
                + ", got "
                + PartKind.describe(source.names()),
            CheckpointException.quote(model),
            "give the model that the LoRA is for");
      }
      PartSource part = PartSource.of(source, PartKind.TRANSFORMER, prefix);
      return new LoraTarget(NetworkFacts.transformer(null, part).config(), model.toString());
    }
  }
}
