package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.ModelIndex;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Reads the headers of a file, of one network's folder, or of a whole model folder. The time does
 * not depend on the size of the weights.
 */
public final class Inspector {
  /** Folders of a model, in the order in which they are shown without a model_index.json. */
  private static final List<String> NETWORKS = List.of("transformer", "text_encoder", "vae");

  /** A folder of hostile files must not fill the memory. */
  private static final int MAX_COMPONENTS = 100;

  private static final String INDEX = ".safetensors.index.json";

  private Inspector() {}

  /**
   * Inspects a path.
   *
   * @param target what LoRAs are held against
   * @throws CheckpointException when it is missing, damaged, or holds no weights
   */
  public static Inspection inspect(Path path, LoraTarget target) throws CheckpointException {
    if (!Files.isDirectory(path)) {
      return file(path, target);
    }
    if (Files.exists(path.resolve("model_index.json"))) {
      return model(path, ModelIndex.read(path), target);
    }
    List<String> problems = new ArrayList<>();
    List<Component> components = folder(path, nameOf(path), target, problems);
    if (components.isEmpty()) {
      for (String part : NETWORKS) {
        if (Files.isDirectory(path.resolve(part))) {
          components.addAll(folder(path.resolve(part), part, target, problems));
        }
      }
      problems.add("model_index.json is missing");
    }
    if (components.isEmpty()) {
      throw CheckpointException.of(
          "inspect: expected model_index.json or a checkpoint, got a folder without"
              + (problems.size() > 1 ? " (" + problems.getFirst() + ")" : ""),
          CheckpointException.quote(path),
          "give a model folder, one of its parts, or a file");
    }
    return new Inspection(path, null, Licence.of(path), components, Map.of(), problems);
  }

  private static Inspection file(Path path, LoraTarget target) throws CheckpointException {
    String name = nameOf(path);
    Path folder = path.toAbsolutePath().getParent();
    Path index = name.endsWith(INDEX) ? path : null;
    List<Path> files = List.of(path);
    if (index != null) {
      String stem = name.substring(0, name.length() - INDEX.length());
      files = CheckpointFolder.list(folder).groups().getOrDefault(stem, List.of());
    }
    // A config.json beside a file of its own may be of anything; beside an index it is of it.
    Path config = index == null && !isPart(folder) ? null : ComponentReader.configIn(folder);
    return new Inspection(
        path,
        null,
        Licence.of(folder),
        ComponentReader.read(name, files, index, config, target),
        Map.of(),
        List.of());
  }

  /** Whether a folder is one network's folder in a model. */
  private static boolean isPart(Path folder) {
    return folder != null
        && folder.getParent() != null
        && Files.exists(folder.getParent().resolve("model_index.json"));
  }

  private static Inspection model(Path path, ModelIndex index, LoraTarget target)
      throws CheckpointException {
    List<Component> components = new ArrayList<>();
    SortedMap<String, String> others = new TreeMap<>();
    List<String> problems = new ArrayList<>();
    for (Map.Entry<String, String> part : index.components().entrySet()) {
      String name = part.getKey();
      Path folder = path.resolve(name);
      List<Component> found =
          Files.isDirectory(folder) ? folder(folder, name, target, problems) : List.of();
      for (Component component : found) {
        if (!component.className().equals(part.getValue()) && !component.kinds().isEmpty()) {
          problems.add(
              name
                  + ": model_index.json names a "
                  + part.getValue()
                  + ", the folder holds a "
                  + component.className());
        }
      }
      components.addAll(found);
      if (found.isEmpty()) {
        others.put(name, part.getValue() + lack(folder, name));
      }
    }
    return new Inspection(path, index.className(), Licence.of(path), components, others, problems);
  }

  /** What a part without weights lacks, to be said behind its class; empty when it is whole. */
  private static String lack(Path folder, String name) {
    if (!Files.isDirectory(folder)) {
      return " (folder missing)";
    }
    return NETWORKS.contains(name) ? " (weights missing)" : "";
  }

  /** The networks in a folder; none when it holds no weights. */
  private static List<Component> folder(
      Path folder, String name, LoraTarget target, List<String> problems)
      throws CheckpointException {
    CheckpointFolder found = CheckpointFolder.list(folder);
    found.problems().forEach(problem -> problems.add(name + ": " + problem));
    List<Component> components = new ArrayList<>();
    Path config = ComponentReader.configIn(folder);
    SortedMap<String, List<Path>> groups = new TreeMap<>(found.groups());
    found.indexes().keySet().forEach(stem -> groups.putIfAbsent(stem, List.of()));
    for (Map.Entry<String, List<Path>> group : groups.entrySet()) {
      if (components.size() >= MAX_COMPONENTS) {
        problems.add(name + ": more than " + MAX_COMPONENTS + " checkpoints, only these are shown");
        break;
      }
      components.addAll(
          ComponentReader.read(
              groups.size() == 1 ? name : group.getKey(),
              group.getValue(),
              found.indexes().get(group.getKey()),
              groups.size() == 1 ? config : null,
              target));
    }
    return components;
  }

  private static String nameOf(Path path) {
    Path name = path.toAbsolutePath().normalize().getFileName();
    return name == null ? path.toString() : name.toString();
  }
}
