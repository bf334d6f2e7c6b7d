package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * {@code model_index.json}: which pipeline a folder is for, and its components.
 *
 * @param className such as QwenImageEditPlusPipeline
 * @param components class of each component by the name of its folder; components that the file
 *     sets to null are left out
 */
public record ModelIndex(String className, Map<String, String> components) {

  /** Qwen-Image: text to picture. */
  public static final ModelIndex QWEN_IMAGE =
      new ModelIndex("QwenImagePipeline", components(false));

  /** Qwen-Image-Edit: the first edit model, one reference. */
  public static final ModelIndex QWEN_IMAGE_EDIT =
      new ModelIndex("QwenImageEditPipeline", components(true));

  /** Qwen-Image-Edit-2509 and 2511: several references. */
  public static final ModelIndex QWEN_IMAGE_EDIT_PLUS =
      new ModelIndex("QwenImageEditPlusPipeline", components(true));

  public ModelIndex {
    components = Collections.unmodifiableMap(new LinkedHashMap<>(components));
  }

  /** Reads the file from its path or from the model's folder. */
  public static ModelIndex read(Path folderOrFile) throws CheckpointException {
    return of(ConfigFiles.read(folderOrFile, "", "model_index.json"));
  }

  /** Reads the text of a model_index.json. */
  public static ModelIndex parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  private static ModelIndex of(Json config) throws CheckpointException {
    Map<String, String> components = new LinkedHashMap<>();
    for (Map.Entry<String, Json> field : config.fields().entrySet()) {
      Json value = field.getValue();
      // Keys with an underscore describe the file; plain values are options of the pipeline.
      if (field.getKey().startsWith("_") || !value.isArray()) {
        continue;
      }
      List<Json> pair = value.items();
      if (pair.size() != 2) {
        throw value.error("[library, class]");
      }
      if (!pair.get(1).isNull()) {
        requireFolderName(field.getKey(), value);
        components.put(field.getKey(), pair.get(1).asString());
      }
    }
    return new ModelIndex(config.get("_class_name").asString(), components);
  }

  /** A component's name becomes a folder, so it must not lead elsewhere. */
  private static void requireFolderName(String name, Json value) throws CheckpointException {
    if (!name.matches("[A-Za-z0-9_-]{1,64}")) {
      throw value.error("a component name of letters, digits and underscores", "another name");
    }
  }

  private static Map<String, String> components(boolean edit) {
    Map<String, String> components = new LinkedHashMap<>();
    if (edit) {
      components.put("processor", "Qwen2VLProcessor");
    }
    components.put("scheduler", "FlowMatchEulerDiscreteScheduler");
    components.put("text_encoder", "Qwen2_5_VLForConditionalGeneration");
    components.put("tokenizer", "Qwen2Tokenizer");
    components.put("transformer", "QwenImageTransformer2DModel");
    components.put("vae", "AutoencoderKLQwenImage");
    return components;
  }
}
