package inkstone.loader.safetensors;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFormat;
import inkstone.loader.TensorSource;
import inkstone.memory.TensorArena;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;

/** Finds and opens safetensors checkpoints, in the file names of diffusers and transformers. */
public final class SafetensorsFormat implements CheckpointFormat {
  private static final String INDEX = ".safetensors.index.json";
  private static final String FILE = ".safetensors";
  private static final int MAX_FILES = 10_000;

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
  public boolean reads(Path file) {
    Path name = file.getFileName();
    return name != null && (isIndex(name) || name.toString().endsWith(FILE));
  }

  @Override
  public Path find(Path folder) throws CheckpointException {
    for (String name : USUAL) {
      if (Files.exists(folder.resolve(name))) {
        return folder.resolve(name);
      }
    }
    TreeSet<String> indexes = new TreeSet<>();
    TreeSet<String> files = new TreeSet<>();
    int seen = 0;
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder)) {
      for (Path entry : entries) {
        if (reads(entry)) {
          (isIndex(entry.getFileName()) ? indexes : files).add(entry.getFileName().toString());
        }
        if (++seen == MAX_FILES) {
          break;
        }
      }
    } catch (IOException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(folder), e);
    } catch (DirectoryIteratorException e) {
      throw CheckpointException.unreadable(CheckpointException.quote(folder), e.getCause());
    }
    TreeSet<String> candidates = indexes.isEmpty() ? files : indexes;
    if (candidates.size() > 1) {
      throw CheckpointException.of(
          "weights: expected one checkpoint in the folder, got "
              + candidates.size()
              + ": "
              + CheckpointException.quote(String.join(", ", candidates)),
          CheckpointException.quote(folder),
          "give the path of the one to use");
    }
    return candidates.isEmpty() ? null : folder.resolve(candidates.first());
  }

  @Override
  public TensorSource open(TensorArena arena, Path file) throws CheckpointException {
    return isIndex(file.getFileName())
        ? ShardedCheckpoint.open(arena, file)
        : SafetensorsFile.open(arena, file);
  }

  private static boolean isIndex(Path name) {
    return name.toString().endsWith(INDEX);
  }
}
