package inkstone.model.pipeline;

import inkstone.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** SHA-256 of what results depend on. */
final class Digests {
  private static final long CHUNK = 1 << 20;
  private static final int SAMPLES = 16;
  private static final int SAMPLE_BYTES = 1 << 16;

  private Digests() {}

  /** Of a tensor's bytes. */
  static String of(Tensor tensor) {
    MessageDigest digest = sha256();
    MemorySegment segment = tensor.segment();
    for (long from = 0; from < segment.byteSize(); from += CHUNK) {
      long bytes = Math.min(CHUNK, segment.byteSize() - from);
      digest.update(segment.asSlice(from, bytes).asByteBuffer());
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /**
   * Of a file, or of the files in a folder or behind an index: their names, sizes and times.
   * Reading tens of gigabytes of weights to tell two folders apart would take minutes.
   */
  static String ofFiles(Path part) {
    MessageDigest digest = sha256();
    // Shards lie beside their index.
    boolean index = part.getFileName().toString().endsWith(".json");
    Path folder = index ? part.toAbsolutePath().getParent() : part;
    try (Stream<Path> files = Files.isDirectory(folder) ? Files.list(folder) : Stream.of(part)) {
      List<Path> sorted = files.filter(Files::isRegularFile).sorted().toList();
      for (Path file : sorted) {
        String line =
            file.getFileName()
                + " "
                + Files.size(file)
                + " "
                + Files.getLastModifiedTime(file).toMillis()
                + "\n";
        digest.update(line.getBytes(StandardCharsets.UTF_8));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  /** Of a text. */
  static String of(String text) {
    return HexFormat.of().formatHex(sha256().digest(text.getBytes(StandardCharsets.UTF_8)));
  }

  /**
   * Of files of any size in little time: sizes, times, and samples of the content, among them the
   * header and the end.
   */
  static String ofSamples(List<Path> files) {
    MessageDigest digest = sha256();
    for (Path file : files) {
      try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
        long size = in.size();
        String line = size + " " + Files.getLastModifiedTime(file).toMillis() + "\n";
        digest.update(line.getBytes(StandardCharsets.UTF_8));
        for (int sample = 0; sample <= SAMPLES; sample++) {
          long last = Math.max(0, size - SAMPLE_BYTES);
          ByteBuffer bytes = ByteBuffer.allocate(SAMPLE_BYTES);
          in.read(bytes, (long) ((double) last * sample / SAMPLES));
          digest.update(bytes.flip());
        }
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return HexFormat.of().formatHex(digest.digest());
  }

  static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256: every Java has it, got none; check the JDK", e);
    }
  }
}
