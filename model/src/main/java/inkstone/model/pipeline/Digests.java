package inkstone.model.pipeline;

import inkstone.tensor.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/** SHA-256 of what results depend on. */
final class Digests {
  private static final long CHUNK = 1 << 20;

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
   * Of the files in a folder: their names, sizes and times. Reading tens of gigabytes of weights to
   * tell two folders apart would take minutes.
   */
  static String ofFiles(Path folder) {
    MessageDigest digest = sha256();
    try (Stream<Path> files = Files.list(folder)) {
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

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256: every Java has it, got none; check the JDK", e);
    }
  }
}
