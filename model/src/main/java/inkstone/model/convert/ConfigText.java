package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.loader.json.JsonLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** The config.json of a network, wherever it is: beside the weights, or in their own metadata. */
final class ConfigText {
  /** Keys of metadata that hold one, of safetensors and of GGUF. */
  static final String SAFETENSORS_KEY = "config";

  static final String GGUF_KEY = "inkstone.config";

  private ConfigText() {}

  /**
   * @param path folder, index or file of the weights
   * @return null when there is none for this network
   */
  static String find(Path path, String className, Map<String, String> metadata)
      throws CheckpointException {
    Path folder = Files.isDirectory(path) ? path : path.toAbsolutePath().getParent();
    Path file = folder.resolve("config.json");
    if (Files.isRegularFile(file) && isOf(Json.read(file, JsonLimits.CONFIG), className)) {
      try {
        return Files.readString(file);
      } catch (IOException e) {
        throw CheckpointException.unreadable(CheckpointException.quote(file), e);
      }
    }
    for (String key : List.of(SAFETENSORS_KEY, GGUF_KEY)) {
      String text = metadata.get(key);
      if (text != null && isOf(Json.parse(text, path + ", " + key), className)) {
        return text;
      }
    }
    return null;
  }

  private static boolean isOf(Json config, String className) throws CheckpointException {
    String name = config.string("_class_name", "");
    if (name.isEmpty() && config.has("architectures")) {
      List<Json> names = config.get("architectures").items();
      name = names.isEmpty() ? "" : names.getFirst().asString();
    }
    return !name.isEmpty() && name.equals(className);
  }
}
