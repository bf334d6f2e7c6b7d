package inkstone.model.bench;

import inkstone.loader.TensorSource;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/**
 * A checkpoint of random numbers under the real names, memory-mapped from a temporary file as a
 * real one would be. The file is deleted as soon as it is mapped; its pages live as long as the
 * arena.
 *
 * <p>Weights have the spread that keeps activations at unit size, norms are about 1, biases small:
 * nothing overflows, whatever the depth.
 */
public final class RandomWeights implements TensorSource {
  private static final long ALIGNMENT = 64;

  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final long bytes;

  private RandomWeights(
      TensorArena arena, FileChannel channel, Map<String, long[]> shapes, DType dtype)
      throws IOException {
    Map<String, Long> offsets = new LinkedHashMap<>();
    long at = 0;
    for (Map.Entry<String, long[]> entry : shapes.entrySet()) {
      Shape shape = Shape.of(entry.getValue());
      offsets.put(entry.getKey(), at);
      write(channel, at, pattern(entry.getKey(), shape, dtype), dtype.bytes(shape.elements()));
      at += (dtype.bytes(shape.elements()) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    }
    bytes = at;
    channel.truncate(at);
    MemorySegment all = arena.map(channel, 0, channel.size());
    shapes.forEach((name, dims) -> {
      Shape shape = Shape.of(dims);
      tensors.put(
          name,
          new Tensor(
              name, dtype, shape, all.asSlice(offsets.get(name), dtype.bytes(shape.elements()))));
    });
  }

  /**
   * Writes and maps one.
   *
   * @param shapes shape of each tensor by its name
   */
  public static RandomWeights map(TensorArena arena, Map<String, long[]> shapes, DType dtype) {
    try {
      Path file = Files.createTempFile("inkstone-bench", ".weights");
      try (FileChannel channel =
          FileChannel.open(
              file,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE,
              StandardOpenOption.DELETE_ON_CLOSE)) {
        return new RandomWeights(arena, channel, shapes, dtype);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(
          "bench: random weights in "
              + System.getProperty("java.io.tmpdir")
              + ", expected to write them, got "
              + e.getMessage()
              + "; free space there, or choose another folder with -Djava.io.tmpdir=DIR in"
              + " INKSTONE_JAVA_OPTS",
          e);
    }
  }

  private static byte[] pattern(String name, Shape shape, DType dtype) {
    boolean norm = shape.rank() == 1 ? name.endsWith("weight") : name.endsWith("gamma");
    double spread =
        norm ? 0.1 : shape.rank() == 1 ? 0.02 : Math.sqrt(3.0 * shape.dim(0) / shape.elements());
    return RandomValues.pattern(dtype, shape.elements(), norm ? 1 : 0, spread, name.hashCode());
  }

  private static void write(FileChannel channel, long at, byte[] pattern, long length)
      throws IOException {
    for (long done = 0; done < length; ) {
      int count = (int) Math.min(pattern.length, length - done);
      ByteBuffer part = ByteBuffer.wrap(pattern, 0, count);
      while (part.hasRemaining()) {
        done += channel.write(part, at + done);
      }
    }
  }

  /** Bytes of the mapped file. */
  long bytes() {
    return bytes;
  }

  /** Bytes of the tensors whose names begin so. */
  long bytes(String prefix) {
    return tensors.values().stream()
        .filter(tensor -> tensor.name().startsWith(prefix))
        .mapToLong(tensor -> tensor.segment().byteSize())
        .sum();
  }

  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(new TreeSet<>(tensors.keySet()));
  }

  @Override
  public Tensor tensor(String name) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      throw new IllegalArgumentException(
          "RandomWeights: tensor, expected one of the names, got " + name + "; check the shapes");
    }
    return tensor;
  }

  @Override
  public String where(String name) {
    return "random weights";
  }

  @Override
  public Map<String, String> metadata() {
    return Map.of();
  }
}
