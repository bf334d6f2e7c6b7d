package inkstone.loader.safetensors;

import inkstone.loader.CheckpointException;
import inkstone.loader.FileKind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The header of a safetensors file: eight bytes of length (little-endian), then JSON that names
 * every tensor with dtype, shape and byte range. Nothing in it is believed: after {@link #read} all
 * ranges lie inside the file, tile the data without hole or overlap, and fit dtype and shape.
 */
public final class SafetensorsHeader {
  /** Longest header, as in the format's reference implementation. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  private static final int LENGTH_BYTES = 8;

  /** Enough to tell what another file is. */
  private static final int START_BYTES = 256;

  private static final String DOWNLOAD = "the file is damaged: download it again";

  private final SortedMap<String, TensorEntry> tensors;
  private final Map<String, String> metadata;
  private final long dataOffset;
  private final long dataBytes;
  private final long keptBytes;

  private SafetensorsHeader(
      SortedMap<String, TensorEntry> tensors,
      Map<String, String> metadata,
      long dataOffset,
      long dataBytes,
      long keptBytes) {
    this.tensors = Collections.unmodifiableSortedMap(tensors);
    this.metadata = Collections.unmodifiableMap(metadata);
    this.dataOffset = dataOffset;
    this.dataBytes = dataBytes;
    this.keptBytes = keptBytes;
  }

  /**
   * Reads and checks the header.
   *
   * @param channel the file
   * @param where its path, for messages
   */
  public static SafetensorsHeader read(SeekableByteChannel channel, String where)
      throws CheckpointException {
    try {
      long fileBytes = channel.size();
      long headerBytes = headerBytes(channel, fileBytes, where);
      long dataOffset = LENGTH_BYTES + headerBytes;
      channel.position(LENGTH_BYTES);
      TreeMap<String, TensorEntry> tensors = new TreeMap<>();
      Map<String, String> metadata;
      long keptBytes;
      try (HeaderParser parser = new HeaderParser(new HeaderStream(channel, headerBytes), where)) {
        metadata = parser.parse(tensors);
        keptBytes = parser.keptBytes();
      }
      requireTiling(tensors, fileBytes - dataOffset, dataOffset, where);
      return new SafetensorsHeader(
          tensors, metadata, dataOffset, fileBytes - dataOffset, keptBytes);
    } catch (IOException e) {
      throw CheckpointException.unreadable(where, e);
    }
  }

  private static long headerBytes(SeekableByteChannel channel, long fileBytes, String where)
      throws IOException {
    ByteBuffer start = ByteBuffer.allocate(START_BYTES).order(ByteOrder.LITTLE_ENDIAN);
    channel.position(0);
    while (start.hasRemaining() && channel.read(start) >= 0) {
      // Until the buffer or the file ends.
    }
    int count = start.position();
    if (count < LENGTH_BYTES) {
      throw CheckpointException.of(
          "safetensors: header length, expected a file of 8 bytes or more, got " + count,
          where,
          count == 0 ? "the file is empty: download it again" : DOWNLOAD);
    }
    long bytes = start.getLong(0);
    if (bytes < 2 || bytes > MAX_HEADER_BYTES) {
      throw CheckpointException.of(
          "safetensors: header length at byte 0, expected 2 to "
              + MAX_HEADER_BYTES
              + ", got "
              + Long.toUnsignedString(bytes),
          where,
          advice(Arrays.copyOf(start.array(), count)));
    }
    if (bytes > fileBytes - LENGTH_BYTES) {
      throw CheckpointException.of(
          "safetensors: header at byte 8, expected "
              + bytes
              + " bytes, got a file with "
              + (fileBytes - LENGTH_BYTES)
              + " left",
          where,
          "the file is cut short: download it again");
    }
    int first = start.get(LENGTH_BYTES) & 0xff;
    if (first != '{') {
      throw CheckpointException.of(
          "safetensors: header at byte 8, expected '{', got byte 0x" + String.format("%02x", first),
          where,
          DOWNLOAD);
    }
    return bytes;
  }

  /** What else the file may be, judged by its first bytes. */
  private static String advice(byte[] start) {
    FileKind kind = FileKind.of(start);
    return switch (kind) {
      case EMPTY, SAFETENSORS, OTHER ->
          "this is no safetensors file, or it is damaged: download it again";
      default -> "this is " + kind.description() + ": " + kind.advice();
    };
  }

  /** All ranges in order: no overlap, no hole, and the last one ends where the file ends. */
  private static void requireTiling(
      SortedMap<String, TensorEntry> tensors, long dataBytes, long dataOffset, String where)
      throws CheckpointException {
    List<TensorEntry> inOrder = new ArrayList<>(tensors.values());
    inOrder.sort(Comparator.comparingLong(TensorEntry::begin).thenComparingLong(TensorEntry::end));
    long covered = 0;
    for (TensorEntry entry : inOrder) {
      if (entry.end() > dataBytes) {
        throw CheckpointException.of(
            tensor(entry)
                + " data_offsets end, expected at most "
                + dataBytes
                + " (the data in the file), got "
                + entry.end(),
            where,
            "the file is cut short: download it again");
      }
      if (entry.begin() != covered) {
        throw CheckpointException.of(
            tensor(entry)
                + " data_offsets begin, expected "
                + covered
                + " (the end of the tensor before), got "
                + entry.begin()
                + ", which leaves "
                + (entry.begin() < covered ? "an overlap" : "a hole")
                + " at byte "
                + (dataOffset + Math.min(covered, entry.begin())),
            where,
            "the file is damaged or hostile: download it again");
      }
      covered = entry.end();
    }
    if (covered != dataBytes) {
      throw CheckpointException.of(
          "safetensors: data, expected "
              + covered
              + " bytes, got "
              + dataBytes
              + ": bytes from "
              + (dataOffset + covered)
              + " on belong to no tensor",
          where,
          DOWNLOAD);
    }
  }

  static String tensor(TensorEntry entry) {
    return tensor(entry.name());
  }

  static String tensor(String name) {
    return "safetensors: tensor " + CheckpointException.quote(name);
  }

  /** All tensors by name, sorted. */
  public SortedMap<String, TensorEntry> tensors() {
    return tensors;
  }

  /** The {@code __metadata__} strings; empty when there are none. */
  public Map<String, String> metadata() {
    return metadata;
  }

  /** Byte of the file where the data starts. */
  public long dataOffset() {
    return dataOffset;
  }

  /** Estimated heap of this header. */
  long keptBytes() {
    return keptBytes;
  }

  /** Bytes of data, all tensors together. */
  public long dataBytes() {
    return dataBytes;
  }
}
