package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.io.EOFException;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.Arrays;

/**
 * One F32 matrix in a file: a mark, the key that it belongs to, rows and columns, the numbers in
 * little-endian order, SHA-256 of all that.
 */
final class CacheFile {
  private static final byte[] MARK = "inkstone-cache 1".getBytes(StandardCharsets.US_ASCII);
  private static final int KEY_BYTES = 64;
  private static final int HEADER_BYTES = MARK.length + KEY_BYTES + 2 * Long.BYTES;
  private static final int DIGEST_BYTES = 32;
  private static final int CHUNK = 1 << 20;

  private CacheFile() {}

  /** Bytes of the file of a value. */
  static long bytes(Tensor value) {
    return HEADER_BYTES + value.segment().byteSize() + DIGEST_BYTES;
  }

  /** Writes a new file whole. */
  static void write(Path file, String key, Tensor value) throws IOException {
    ByteBuffer header =
        ByteBuffer.allocate(HEADER_BYTES)
            .order(ByteOrder.LITTLE_ENDIAN)
            .put(MARK)
            .put(key.getBytes(StandardCharsets.US_ASCII))
            .putLong(value.dim(0))
            .putLong(value.dim(1))
            .flip();
    MessageDigest digest = Digests.sha256();
    digest.update(header.duplicate());
    try (FileChannel out = FileChannel.open(file, StandardOpenOption.WRITE)) {
      writeAll(out, header);
      MemorySegment numbers = value.segment();
      for (long at = 0; at < numbers.byteSize(); at += CHUNK) {
        ByteBuffer part =
            numbers.asSlice(at, Math.min(CHUNK, numbers.byteSize() - at)).asByteBuffer();
        digest.update(part.duplicate());
        writeAll(out, part);
      }
      writeAll(out, ByteBuffer.wrap(digest.digest()));
    }
  }

  /** Puts a finished file in its place, at once where the file system can. */
  static void rename(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  /**
   * The value in a file; null when the file is not whole, not of this key, or not as it was
   * written.
   *
   * @param columns that the value must have
   * @throws java.nio.file.NoSuchFileException when there is none
   */
  static Tensor read(TensorArena arena, Path file, String key, long columns) throws IOException {
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer header = ByteBuffer.allocate(HEADER_BYTES).order(ByteOrder.LITTLE_ENDIAN);
      readAll(in, header);
      byte[] mark = new byte[MARK.length];
      byte[] keyRead = new byte[KEY_BYTES];
      header.get(mark).get(keyRead);
      long rows = header.getLong();
      long payload = in.size() - HEADER_BYTES - DIGEST_BYTES;
      boolean fits =
          Arrays.equals(mark, MARK)
              && Arrays.equals(keyRead, key.getBytes(StandardCharsets.US_ASCII))
              && header.getLong() == columns
              && rows > 0
              && payload % (columns * Float.BYTES) == 0
              && payload / (columns * Float.BYTES) == rows;
      if (!fits) {
        return null;
      }
      Tensor value = Tensor.f32(arena, "prompt cache", rows, columns);
      MessageDigest digest = Digests.sha256();
      digest.update(header.flip());
      MemorySegment numbers = value.segment();
      for (long at = 0; at < DType.F32.bytes(value.elements()); at += CHUNK) {
        ByteBuffer part =
            numbers.asSlice(at, Math.min(CHUNK, numbers.byteSize() - at)).asByteBuffer();
        readAll(in, part);
        digest.update(part);
      }
      ByteBuffer written = ByteBuffer.allocate(DIGEST_BYTES);
      readAll(in, written);
      return MessageDigest.isEqual(written.array(), digest.digest()) ? value : null;
    } catch (EOFException e) {
      return null;
    }
  }

  private static void writeAll(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /** Fills the buffer and turns it round. */
  private static void readAll(FileChannel in, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      if (in.read(bytes) < 0) {
        throw new EOFException();
      }
    }
    bytes.flip();
  }
}
