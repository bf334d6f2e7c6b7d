package inkstone.loader.safetensors;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
import inkstone.loader.CheckpointFormat;
import inkstone.loader.FileKind;
import inkstone.loader.FolderFiles;
import inkstone.loader.TensorSource;
import inkstone.loader.json.Json;
import inkstone.loader.json.JsonLimits;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SortedSet;
import java.util.TreeSet;

/** Finds and opens safetensors checkpoints, in the file names of diffusers and transformers. */
public final class SafetensorsFormat implements CheckpointFormat {
  private static final String INDEX = ".safetensors.index.json";
  private static final String FILE = ".safetensors";

  /** In the order in which the two libraries look. */
  private static final List<String> USUAL =
      List.of(
          "diffusion_pytorch_model" + INDEX,
          "diffusion_pytorch_model" + FILE,
          "model" + FILE,
          "model" + INDEX);

  /** Used by the service loader. */
  public SafetensorsFormat() {}

  @Override
  public String name() {
    return "safetensors";
  }

  @Override
  public boolean reads(Path file) throws CheckpointException {
    return switch (FileKind.of(file)) {
      case SAFETENSORS -> true;
      case JSON -> {
        Json json = Json.read(file, JsonLimits.CONFIG);
        yield json.isObject() && json.has("weight_map");
      }
      default -> false;
    };
  }

  @Override
  public Path find(Path folder) throws CheckpointException {
    for (String name : USUAL) {
      if (Files.exists(folder.resolve(name))) {
        return file(folder, name);
      }
    }
    SortedSet<String> files = files(folder);
    SortedSet<String> indexes = new TreeSet<>();
    for (String name : FolderFiles.named(folder, FileKind.JSON, INDEX)) {
      if (name.endsWith(INDEX) || Variants.isIndex(name)) {
        indexes.add(name);
      }
    }
    indexes = new TreeSet<>(Variants.indexes(indexes));
    if (indexes.size() > 1) {
      throw CheckpointException.of(
          "weights: expected one checkpoint in the folder, got "
              + indexes.size()
              + ": "
              + CheckpointException.quote(String.join(", ", indexes)),
          CheckpointException.quote(folder),
          "give the path of the one to use");
    }
    if (!indexes.isEmpty()) {
      return folder.resolve(indexes.first());
    }
    return switch (files.size()) {
      case 0 -> null;
      case 1 -> file(folder, files.first());
      default -> folder;
    };
  }

  /** A folder under a file's name is no checkpoint of shards. */
  private static Path file(Path folder, String name) throws CheckpointException {
    Path file = folder.resolve(name);
    CheckpointFiles.requireFile(file);
    return file;
  }

  private static SortedSet<String> files(Path folder) throws CheckpointException {
    return Variants.files(FolderFiles.named(folder, FileKind.SAFETENSORS, FILE));
  }

  @Override
  public TensorSource open(TensorArena arena, Path file) throws CheckpointException {
    if (Files.isDirectory(file)) {
      return ShardedCheckpoint.openAll(arena, file, files(file));
    }
    FileKind kind = FileKind.of(file);
    // A damaged file that a folder has under an index's name is reported as an index.
    boolean index =
        kind == FileKind.JSON
            || kind != FileKind.SAFETENSORS && file.getFileName().toString().endsWith(INDEX);
    return index ? ShardedCheckpoint.open(arena, file) : SafetensorsFile.open(arena, file);
  }
}
