package inkstone.model.lora;

import inkstone.loader.config.TransformerConfig;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * From a file's spelling of a module to the transformer's own path, by an explicit list of both. A
 * dotted path may stand behind the name of what the trainer wrapped; kohya's and LyCORIS' names are
 * paths with underscores, which no rule can take apart ({@code to_out_0}, {@code img_mod_1}).
 */
final class ModuleNames {
  private static final List<String> DOTTED =
      List.of(
          "",
          "transformer.",
          "diffusion_model.",
          "model.diffusion_model.",
          "base_model.model.",
          "base_model.model.transformer.",
          "base_model.model.diffusion_model.");

  private static final List<String> FLAT = List.of("lora_unet_", "lycoris_");

  private final Map<String, LinearLayers.Size> layers;
  private final Map<String, String> paths = new HashMap<>(); // by spelling

  ModuleNames(TransformerConfig config) {
    layers = LinearLayers.of(config);
    for (String path : layers.keySet()) {
      for (String prefix : DOTTED) {
        paths.put(prefix + path, path);
      }
      for (String prefix : FLAT) {
        paths.put(prefix + path.replace('.', '_'), path);
      }
    }
  }

  /** The layer's path, or null when the transformer has no such layer. */
  String path(String spelled) {
    return paths.get(spelled);
  }

  LinearLayers.Size size(String path) {
    return layers.get(path);
  }
}
