package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
import inkstone.loader.FileKind;
import inkstone.loader.TensorSource;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.Set;

/**
 * One GGUF file, mapped read-only into an arena. Tensors are views, in PyTorch's order of
 * dimensions: nothing is copied, and pages are read when they are first touched.
 *
 * <p>The file's length is checked before and after it is mapped. Whoever cuts it later, while it is
 * in use, makes reads of the lost part fail with the JDK's {@link InternalError}.
 */
public final class GgufFile implements TensorSource {
  private final Path file;
  private final GgufHeader header;
  private final MemorySegment bytes;

  private GgufFile(Path file, GgufHeader header, MemorySegment bytes) {
    this.file = file;
    this.header = header;
    this.bytes = bytes;
  }

  /** Maps the file and checks its header; the mapping lives as long as the arena. */
  public static GgufFile open(TensorArena arena, Path file) throws CheckpointException {
    long size = CheckpointFiles.requireFile(file);
    String where = CheckpointException.quote(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      MemorySegment bytes = size == 0 ? arena.allocate(0) : arena.map(channel, 0, size);
      GgufHeader header = GgufHeader.read(bytes, where);
      if (channel.size() != size) {
        throw CheckpointException.of(
            "gguf: expected " + size + " bytes, got " + channel.size() + " while it was opened",
            where,
            "wait until the file is completely written");
      }
      return new GgufFile(file, header, bytes);
    } catch (IOException e) {
      throw CheckpointException.unreadable(where, e);
    }
  }

  /** Whether the file starts as a GGUF file does. */
  public static boolean isGguf(Path file) throws CheckpointException {
    return FileKind.of(file) == FileKind.GGUF;
  }

  /** Metadata, names, types, shapes and ranges. */
  public GgufHeader header() {
    return header;
  }

  /** The typed metadata. */
  public GgufMetadata typed() {
    return header.metadata();
  }

  public Path file() {
    return file;
  }

  @Override
  public Set<String> names() {
    return header.tensors().keySet();
  }

  @Override
  public Tensor tensor(String name) {
    GgufEntry entry = header.tensors().get(name);
    if (entry == null) {
      throw new IllegalArgumentException(
          "GgufFile.tensor: no tensor " + CheckpointException.quote(name) + " in " + file);
    }
    return new Tensor(
        name, entry.dtype(), entry.shape(), bytes.asSlice(entry.begin(), entry.bytes()));
  }

  @Override
  public String where(String name) {
    return CheckpointException.quote(file);
  }

  /** All metadata as text; long arrays by their length. */
  @Override
  public Map<String, String> metadata() {
    return header.metadata().display();
  }
}
