package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.loader.json.JsonLimits;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** Finds and reads the JSON file of a component; shared checks of values. */
final class ConfigFiles {
  private ConfigFiles() {}

  /**
   * Reads a config.
   *
   * @param path the file itself, the component's folder, or the model's folder
   * @param component name of the component's folder inside the model's
   * @param names file names, first hit wins
   */
  static Json read(Path path, String component, String... names) throws CheckpointException {
    Path file = find(path, component, names);
    if (file == null) {
      throw CheckpointException.of(
          "config: expected " + String.join(" or ", names) + ", got a folder without it",
          CheckpointException.quote(path),
          "download the missing file, or give the model's folder");
    }
    return Json.read(file, JsonLimits.CONFIG);
  }

  /** As {@link #read}, but null when a folder has no such file. */
  static Path find(Path path, String component, String... names) {
    if (!Files.isDirectory(path)) {
      return path;
    }
    List<Path> folders = new ArrayList<>();
    folders.add(path);
    if (!component.isEmpty()) {
      folders.add(path.resolve(component));
    }
    for (Path folder : folders) {
      for (String name : names) {
        Path file = folder.resolve(name);
        if (Files.exists(file)) {
          return file;
        }
      }
    }
    return null;
  }

  static Json parse(String json, String where) throws CheckpointException {
    return Json.parse(json, where);
  }

  /** Refuses a config that says it is for another class. */
  static void requireString(Json config, String key, String... allowed) throws CheckpointException {
    if (config.has(key) && !List.of(allowed).contains(config.get(key).asString())) {
      throw config.get(key).error(String.join(" or ", allowed));
    }
  }

  /** Refuses a switch that asks for what no published model of this kind does. */
  static void requireFlag(Json config, String key, boolean only) throws CheckpointException {
    if (config.flag(key, only) != only) {
      throw config.get(key).error(only + ", the only value supported");
    }
  }

  static List<Json> items(Json config, String key, int min, int max) throws CheckpointException {
    List<Json> items = config.get(key).items();
    if (items.size() < min || items.size() > max) {
      throw config
          .get(key)
          .error(
              min == max ? "an array of " + min : "an array of " + min + " to " + max + " values");
    }
    return items;
  }

  /** A list of whole numbers, each in {@code min..max}. */
  static List<Integer> ints(
      Json config, String key, List<Integer> fallback, int minSize, int maxSize, int min, int max)
      throws CheckpointException {
    if (!config.has(key)) {
      return fallback;
    }
    List<Integer> values = new ArrayList<>();
    for (Json item : items(config, key, minSize, maxSize)) {
      values.add(item.asInt(min, max));
    }
    return List.copyOf(values);
  }

  /** A list of {@code size} numbers, each in {@code min..max}. */
  static List<Double> doubles(
      Json config, String key, List<Double> fallback, int size, double min, double max)
      throws CheckpointException {
    if (!config.has(key)) {
      if (fallback.size() != size) {
        throw config.errorAt(key, "an array of " + size, "no such key");
      }
      return fallback;
    }
    List<Double> values = new ArrayList<>();
    for (Json item : items(config, key, size, size)) {
      values.add(item.asDouble(min, max));
    }
    return List.copyOf(values);
  }

  /** As {@link #doubles}, rounded to floats. */
  static List<Float> floats(
      Json config, String key, List<Float> fallback, int size, double min, double max)
      throws CheckpointException {
    List<Double> wide = fallback.stream().map(Float::doubleValue).toList();
    return doubles(config, key, wide, size, min, max).stream().map(Double::floatValue).toList();
  }
}
