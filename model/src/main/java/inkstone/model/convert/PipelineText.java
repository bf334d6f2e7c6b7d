package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.ModelIndex;
import inkstone.loader.json.Json;
import inkstone.loader.json.JsonLimits;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * A transformer's config.json with what its model folder says outside the networks, under the key
 * {@code inkstone}: {@link inkstone.loader.config.PipelineConfig} reads it.
 */
final class PipelineText {
  private PipelineText() {}

  /**
   * @param config text of the transformer's config.json
   * @param model the folder around the transformer's
   * @return {@code config} itself when that is no model, or the text has such a key already
   */
  static String add(String config, Path model) throws CheckpointException {
    if (!Files.isRegularFile(model.resolve(Input.INDEX))
        || Json.parse(config, model + ", transformer").has("inkstone")) {
      return config;
    }
    StringBuilder own = new StringBuilder("\"inkstone\": {\"pipeline\": \"");
    // A class name has no character that JSON would escape; others are refused when it is read.
    own.append(ModelIndex.read(model).className().replaceAll("[^A-Za-z0-9_]", "")).append('"');
    String areas = text(model.resolve("inkstone.json"));
    if (areas != null) {
      String fields = areas.substring(areas.indexOf('{') + 1, areas.lastIndexOf('}')).strip();
      own.append(fields.isEmpty() ? "" : ", " + fields);
    }
    add(own, "scheduler", model.resolve("scheduler").resolve("scheduler_config.json"));
    add(own, "processor", model.resolve("processor").resolve("processor_config.json"));
    own.append('}');
    int end = config.lastIndexOf('}');
    return config.substring(0, end).stripTrailing() + ",\n  " + own + "\n}\n";
  }

  private static void add(StringBuilder own, String key, Path file) throws CheckpointException {
    String text = text(file);
    if (text != null) {
      own.append(", \"").append(key).append("\": ").append(text.strip());
    }
  }

  /** A JSON object's text, or null when there is no such file. */
  private static String text(Path file) throws CheckpointException {
    if (!Files.isRegularFile(file)) {
      return null;
    }
    Json.read(file, JsonLimits.CONFIG).fields();
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(file), e);
    }
  }
}
