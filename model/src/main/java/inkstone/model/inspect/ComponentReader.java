package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.FileKind;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.form.PartKind;
import inkstone.loader.gguf.GgufFile;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.loader.json.Json;
import inkstone.loader.safetensors.SafetensorsFile;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** Reads the headers of the files of one checkpoint. */
final class ComponentReader implements AutoCloseable {
  private final TensorArena arena = TensorArena.open("inspect");
  private final MergedSource source = new MergedSource();
  private final Set<String> formats = new TreeSet<>();
  private final List<String> problems = new ArrayList<>();
  private GgufMetadata gguf; // of the first GGUF file

  private ComponentReader() {}

  /**
   * Reads them. A file with several networks gives a component for each.
   *
   * @param index the index of sharded files, or null
   * @param config the config.json beside them, or null
   */
  static List<Component> read(
      String name, List<Path> files, Path index, Path config, LoraTarget target)
      throws CheckpointException {
    try (ComponentReader reader = new ComponentReader()) {
      for (Path file : files) {
        reader.open(file);
      }
      if (index != null) {
        reader.compare(index, files);
      }
      return reader.components(name, files, config, target);
    }
  }

  private void open(Path file) throws CheckpointException {
    // Each part of a split checkpoint alone, so that what is left of a broken one is shown.
    TensorSource opened =
        switch (FileKind.of(file)) {
          case SAFETENSORS -> {
            formats.add("safetensors");
            yield SafetensorsFile.open(arena, file);
          }
          case GGUF -> {
            formats.add("GGUF");
            GgufFile part = GgufFile.open(arena, file);
            gguf = gguf == null ? part.typed() : gguf;
            yield part;
          }
          // Refuses what no format reads, in the words that a run has for it.
          default -> Weights.source(arena, file);
        };
    for (String name : source.add(opened)) {
      problems.add("tensor " + name + " is in more than one file");
    }
  }

  private void compare(Path index, List<Path> files) throws CheckpointException {
    Map<String, Json> weightMap = Json.read(index).get("weight_map").fields();
    TreeSet<String> missingFiles = new TreeSet<>();
    for (Json file : weightMap.values()) {
      missingFiles.add(file.asString());
    }
    files.forEach(file -> missingFiles.remove(file.getFileName().toString()));
    missingFiles.forEach(file -> problems.add("file " + file + " of the index is missing"));
    TreeSet<String> missing = new TreeSet<>(weightMap.keySet());
    missing.removeAll(source.names());
    missing.forEach(tensor -> problems.add("tensor " + tensor + " of the index is in no file"));
  }

  private List<Component> components(String name, List<Path> files, Path config, LoraTarget target)
      throws CheckpointException {
    Map<PartKind, String> kinds = PartKind.of(source.names());
    List<Map<PartKind, String>> networks = new ArrayList<>();
    for (PartKind kind : kinds.keySet()) {
      Map<PartKind, String> network = new EnumMap<>(PartKind.class);
      network.put(kind, kinds.get(kind));
      if (kind == PartKind.TEXT_ENCODER && kinds.containsKey(PartKind.VISION_TOWER)) {
        network.put(PartKind.VISION_TOWER, kinds.get(PartKind.VISION_TOWER));
      }
      boolean seen = kind == PartKind.VISION_TOWER && kinds.containsKey(PartKind.TEXT_ENCODER);
      if (!seen) {
        networks.add(network);
      }
    }
    if (networks.isEmpty()) {
      networks.add(Map.of());
    }
    List<Component> components = new ArrayList<>();
    for (Map<PartKind, String> network : networks) {
      ComponentBuilder builder =
          new ComponentBuilder(arena, source, network, Set.copyOf(kinds.values()), target, gguf);
      String kind = network.isEmpty() ? "" : network.keySet().iterator().next().flag();
      components.add(
          builder.build(
              networks.size() == 1 ? name : name + " (" + kind + ")",
              String.join(" and ", formats),
              files,
              networks.size() == 1 ? config : null,
              problems));
    }
    return components;
  }

  /** The config.json of a folder, readable or not; null when there is none. */
  static Path configIn(Path folder) {
    Path config = folder == null ? null : folder.resolve("config.json");
    return config != null && Files.exists(config, LinkOption.NOFOLLOW_LINKS) ? config : null;
  }

  @Override
  public void close() {
    arena.close();
  }
}
