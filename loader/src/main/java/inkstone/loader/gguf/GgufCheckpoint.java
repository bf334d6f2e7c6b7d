package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.loader.JoinedCheckpoint;
import inkstone.loader.PartNames;
import inkstone.loader.TensorSource;
import inkstone.loader.UnfinishedDownloads;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/**
 * A GGUF file, or all parts of one that llama.cpp's gguf-split has split.
 *
 * @param source the tensors of all parts
 * @param metadata the typed metadata of the first part, which describe the model
 */
public record GgufCheckpoint(TensorSource source, GgufMetadata metadata) {
  private static final String COUNT = "split.count";
  private static final String NUMBER = "split.no";
  private static final String TENSORS = "split.tensors.count";

  /** Opens a file, or any part of a split one with the other parts beside it. */
  public static GgufCheckpoint open(TensorArena arena, Path file) throws CheckpointException {
    GgufFile given = GgufFile.open(arena, file);
    long count = count(given.typed());
    if (count == 1) {
      return new GgufCheckpoint(given, given.typed());
    }
    Optional<PartNames> parts = PartNames.of(file);
    if (parts.isEmpty() || parts.get().count() != count) {
      throw given
          .typed()
          .error(
              COUNT,
              "the count in the name of the file, as NAME-00001-of-"
                  + String.format("%05d", count)
                  + ".gguf",
              count + " and another name");
    }
    List<String> names = parts.get().all();
    GgufMetadata first = null;
    JoinedCheckpoint.Builder joined = new JoinedCheckpoint.Builder(file);
    for (int i = 0; i < names.size(); i++) {
      GgufFile part = i + 1 == parts.get().number() ? given : open(arena, file, names.get(i));
      requirePart(part.typed(), i, count);
      first = i == 0 ? part.typed() : first;
      joined.add(part, part.header().keptBytes());
    }
    JoinedCheckpoint source = joined.build();
    long tensors = source.names().size();
    if (first.has(TENSORS) && first.whole(TENSORS, 0, Long.MAX_VALUE) != tensors) {
      throw first.error(TENSORS, "the " + tensors + " tensors of all parts");
    }
    return new GgufCheckpoint(source, first);
  }

  private static long count(GgufMetadata metadata) throws CheckpointException {
    return Math.max(1, metadata.whole(COUNT, 1, 0, JoinedCheckpoint.MAX_FILES));
  }

  private static GgufFile open(TensorArena arena, Path sibling, String name)
      throws CheckpointException {
    Path part = sibling.resolveSibling(name);
    if (Files.notExists(part)) {
      throw CheckpointException.of(
          "gguf: part "
              + CheckpointException.quote(name)
              + ", expected beside the other parts, got no such file"
              + UnfinishedDownloads.said(sibling.toAbsolutePath().getParent()),
          CheckpointException.quote(sibling),
          "download the missing file");
    }
    return GgufFile.open(arena, part);
  }

  private static void requirePart(GgufMetadata metadata, int number, long count)
      throws CheckpointException {
    if (count(metadata) != count) {
      throw metadata.error(COUNT, count + " as in the part given");
    }
    if (metadata.whole(NUMBER, 0, JoinedCheckpoint.MAX_FILES) != number) {
      throw metadata.error(
          NUMBER,
          number + " as the name says",
          String.valueOf(metadata.whole(NUMBER, 0, JoinedCheckpoint.MAX_FILES)));
    }
  }
}
