package inkstone.app.cli;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
import inkstone.loader.json.Json;
import inkstone.loader.safetensors.SafetensorsHeader;
import inkstone.loader.safetensors.TensorEntry;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** Reads the headers of a file, of one network's folder, or of a whole model folder. */
final class Inspector {
  private static final String INDEX_SUFFIX = ".safetensors.index.json";
  private static final String FILE_SUFFIX = ".safetensors";

  /** Parts that are nothing without weights. */
  private static final Set<String> NETWORKS = Set.of("text_encoder", "transformer", "vae");

  /**
   * All that was found.
   *
   * @param className the pipeline's class, or null when the path is no model folder
   * @param otherParts parts of a pipeline without weights, such as the scheduler, with their class
   */
  record Inspection(
      Path path, String className, List<Component> components, Map<String, String> otherParts) {}

  private Inspector() {}

  static Inspection inspect(Path path) throws CheckpointException {
    if (!Files.isDirectory(path)) {
      return new Inspection(path, null, List.of(file(path)), Map.of());
    }
    if (Files.exists(path.resolve("model_index.json"))) {
      return model(path);
    }
    Component component = folder(path, nameOf(path));
    if (component == null) {
      throw CheckpointException.of(
          "inspect: expected model_index.json or .safetensors files, got a folder without",
          CheckpointException.quote(path),
          "give a model folder, one of its parts, or a file");
    }
    return new Inspection(path, null, List.of(component), Map.of());
  }

  private static Inspection model(Path path) throws CheckpointException {
    Json index = Json.read(path.resolve("model_index.json"));
    List<Component> components = new ArrayList<>();
    SortedMap<String, String> others = new TreeMap<>();
    for (Map.Entry<String, Json> part : index.fields().entrySet()) {
      if (!part.getValue().isArray() || part.getKey().startsWith("_")) {
        continue;
      }
      List<Json> pair = part.getValue().items();
      if (pair.size() != 2 || pair.get(1).isNull()) {
        continue;
      }
      String name = part.getKey();
      Path folder = path.resolve(plainName(part.getValue(), name));
      Component component = Files.isDirectory(folder) ? folder(folder, name) : null;
      if (component != null) {
        components.add(component);
      } else {
        others.put(name, pair.get(1).asString() + lack(folder, name));
      }
    }
    return new Inspection(path, index.get("_class_name").asString(), components, others);
  }

  /** What a part without weights lacks, to be said behind its class; empty when it is whole. */
  private static String lack(Path folder, String name) {
    if (!Files.isDirectory(folder)) {
      return " (folder missing)";
    }
    return NETWORKS.contains(name) ? " (weights missing)" : "";
  }

  /** A part's name is a folder name and nothing else. */
  private static String plainName(Json value, String name) throws CheckpointException {
    if (!name.matches("[A-Za-z0-9_]{1,100}")) {
      throw value.error("a part's plain name as the key", CheckpointException.quote(name));
    }
    return name;
  }

  private static Component file(Path path) throws CheckpointException {
    SafetensorsHeader header = header(path);
    return new Component(
        nameOf(path),
        Component.guess(header.tensors()),
        List.of(path),
        header.tensors(),
        header.metadata(),
        List.of());
  }

  /** The network in a folder, or null when it holds no weights. */
  private static Component folder(Path folder, String name) throws CheckpointException {
    List<Path> files = list(folder, FILE_SUFFIX);
    List<Path> indexes = list(folder, INDEX_SUFFIX);
    if (files.isEmpty() && indexes.isEmpty()) {
      return null;
    }
    SortedMap<String, TensorEntry> tensors = new TreeMap<>();
    SortedMap<String, String> metadata = new TreeMap<>();
    List<String> problems = new ArrayList<>();
    for (Path file : files) {
      SafetensorsHeader header = header(file);
      for (TensorEntry tensor : header.tensors().values()) {
        if (tensors.put(tensor.name(), tensor) != null) {
          problems.add("tensor " + tensor.name() + " is in more than one file");
        }
      }
      metadata.putAll(header.metadata());
    }
    for (Path index : indexes) {
      compare(index, files, tensors, problems);
    }
    return new Component(name, className(folder, tensors), files, tensors, metadata, problems);
  }

  private static void compare(
      Path index, List<Path> files, SortedMap<String, TensorEntry> tensors, List<String> problems)
      throws CheckpointException {
    Map<String, Json> weightMap = Json.read(index).get("weight_map").fields();
    TreeSet<String> missingFiles = new TreeSet<>();
    for (Json file : weightMap.values()) {
      missingFiles.add(file.asString());
    }
    files.forEach(file -> missingFiles.remove(nameOf(file)));
    missingFiles.forEach(file -> problems.add("file " + file + " of the index is missing"));
    TreeSet<String> missing = new TreeSet<>(weightMap.keySet());
    missing.removeAll(tensors.keySet());
    missing.forEach(tensor -> problems.add("tensor " + tensor + " of the index is in no file"));
  }

  private static String className(Path folder, SortedMap<String, TensorEntry> tensors)
      throws CheckpointException {
    Path config = folder.resolve("config.json");
    if (Files.exists(config)) {
      Json json = Json.read(config);
      if (json.has("_class_name")) {
        return json.get("_class_name").asString();
      }
      if (json.has("architectures") && !json.get("architectures").items().isEmpty()) {
        return json.get("architectures").items().getFirst().asString();
      }
    }
    return Component.guess(tensors);
  }

  private static SafetensorsHeader header(Path file) throws CheckpointException {
    CheckpointFiles.requireFile(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return SafetensorsHeader.read(channel, CheckpointException.quote(file));
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(file), e);
    }
  }

  private static List<Path> list(Path folder, String suffix) throws CheckpointException {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(path -> nameOf(path).endsWith(suffix)).sorted().toList();
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(folder), e);
    }
  }

  private static String nameOf(Path path) {
    Path name = path.toAbsolutePath().normalize().getFileName();
    return name == null ? path.toString() : name.toString();
  }
}
