package inkstone.loader.safetensors;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
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
 * One safetensors file, mapped read-only into an arena. Files beyond 2 GiB are fine. Tensors are
 * views: nothing is copied, and pages are read when they are first touched.
 *
 * <p>The file's length is checked before and after it is mapped. Whoever cuts it later, while it is
 * in use, makes reads of the lost part fail with the JDK's {@link InternalError}.
 */
public final class SafetensorsFile implements TensorSource {
  private final Path file;
  private final SafetensorsHeader header;
  private final MemorySegment data;

  private SafetensorsFile(Path file, SafetensorsHeader header, MemorySegment data) {
    this.file = file;
    this.header = header;
    this.data = data;
  }

  /** Checks the header and maps the data; the mapping lives as long as the arena. */
  public static SafetensorsFile open(TensorArena arena, Path file) throws CheckpointException {
    CheckpointFiles.requireFile(file);
    String where = CheckpointException.quote(file);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      SafetensorsHeader header = SafetensorsHeader.read(channel, where);
      long bytes = header.dataBytes();
      MemorySegment data =
          bytes == 0 ? arena.allocate(0) : arena.map(channel, header.dataOffset(), bytes);
      // A file cut between the check and the mapping would fault on its first read.
      if (channel.size() != header.dataOffset() + bytes) {
        throw CheckpointException.of(
            "safetensors: expected "
                + (header.dataOffset() + bytes)
                + " bytes, got "
                + channel.size()
                + " while it was opened",
            where,
            "wait until the file is completely written");
      }
      return new SafetensorsFile(file, header, data);
    } catch (IOException e) {
      throw CheckpointException.unreadable(where, e);
    }
  }

  /** Names, dtypes, shapes and ranges. */
  public SafetensorsHeader header() {
    return header;
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
    TensorEntry entry = header.tensors().get(name);
    if (entry == null) {
      throw new IllegalArgumentException(
          "SafetensorsFile.tensor: no tensor " + CheckpointException.quote(name) + " in " + file);
    }
    return new Tensor(
        name, entry.dtype(), entry.shape(), data.asSlice(entry.begin(), entry.bytes()));
  }

  @Override
  public String where(String name) {
    return CheckpointException.quote(file);
  }

  @Override
  public Map<String, String> metadata() {
    return header.metadata();
  }
}
