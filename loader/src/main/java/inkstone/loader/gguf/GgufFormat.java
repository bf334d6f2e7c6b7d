package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFormat;
import inkstone.loader.FileKind;
import inkstone.loader.FolderFiles;
import inkstone.loader.PartNames;
import inkstone.loader.TensorSource;
import inkstone.memory.TensorArena;
import java.nio.file.Path;
import java.util.SortedSet;
import java.util.TreeSet;

/** Finds and opens GGUF files, whole or split by llama.cpp. */
public final class GgufFormat implements CheckpointFormat {
  /** Used by the service loader. */
  public GgufFormat() {}

  @Override
  public String name() {
    return "GGUF";
  }

  @Override
  public boolean reads(Path file) throws CheckpointException {
    return FileKind.of(file) == FileKind.GGUF;
  }

  @Override
  public Path find(Path folder) throws CheckpointException {
    SortedSet<String> files = FolderFiles.named(folder, FileKind.GGUF, ".gguf");
    if (files.isEmpty()) {
      return null;
    }
    Path first = folder.resolve(files.first());
    SortedSet<String> others = new TreeSet<>(files);
    PartNames.of(first)
        .ifPresentOrElse(p -> others.removeAll(p.all()), () -> others.remove(files.first()));
    if (!others.isEmpty()) {
      throw CheckpointException.of(
          "weights: expected one GGUF checkpoint in the folder, got "
              + files.size()
              + " files: "
              + CheckpointException.quote(String.join(", ", files)),
          CheckpointException.quote(folder),
          "give the path of the one to use");
    }
    return first;
  }

  @Override
  public TensorSource open(TensorArena arena, Path file) throws CheckpointException {
    return GgufCheckpoint.open(arena, file).source();
  }
}
