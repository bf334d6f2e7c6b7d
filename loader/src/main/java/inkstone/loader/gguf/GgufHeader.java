package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.loader.FileKind;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;

/**
 * The header of a GGUF file, version 2 or 3, little-endian: typed metadata and the list of tensors.
 * Nothing in it is believed: after {@link #read} all tensors lie aligned inside the file, without
 * overlap, and fit type and shape. The layout is that of gguf-py's {@code GGUFReader} and of ggml's
 * gguf.cpp.
 */
public final class GgufHeader {
  /** Longest header; that of Qwen2.5-VL with its tokenizer has 6 MB. */
  public static final long MAX_HEADER_BYTES = 100_000_000;

  /** Heap for what is kept, in estimate; Qwen-Image's 1,933 tensors need 0.7 MB. */
  static final long MAX_KEPT_BYTES = 24L << 20;

  private static final int MAGIC = 0x46554747; // "GGUF"
  private static final int FIXED_BYTES = 24;
  private static final String ALIGNMENT = "general.alignment";

  private final int version;
  private final GgufMetadata metadata;
  private final SortedMap<String, GgufEntry> tensors;
  private final long dataOffset;
  private final long keptBytes;

  private GgufHeader(
      int version,
      GgufMetadata metadata,
      SortedMap<String, GgufEntry> tensors,
      long dataOffset,
      long keptBytes) {
    this.version = version;
    this.metadata = metadata;
    this.tensors = Collections.unmodifiableSortedMap(tensors);
    this.dataOffset = dataOffset;
    this.keptBytes = keptBytes;
  }

  /**
   * Reads and checks the header.
   *
   * @param file the whole file, mapped; metadata are read from it later
   * @param where its path, for messages
   */
  public static GgufHeader read(MemorySegment file, String where) throws CheckpointException {
    HeaderCursor cursor = new HeaderCursor(file, where);
    if (file.byteSize() < FIXED_BYTES || file.get(HeaderCursor.INT, 0) != MAGIC) {
      throw notGguf(file, where);
    }
    cursor.skip(4, "magic");
    int version = version(cursor.u32("version"), where);
    long tensorCount = cursor.u64("tensor count");
    long pairCount = cursor.u64("metadata count");
    Map<String, GgufValue> values = new MetadataParser(file, cursor).parse(pairCount);
    GgufMetadata metadata = new GgufMetadata(file, values, where);
    long alignment = metadata.whole(ALIGNMENT, 32, 1, 1 << 20);
    if (Long.bitCount(alignment) != 1) {
      throw metadata.error(ALIGNMENT, "a power of two", String.valueOf(alignment));
    }
    SortedMap<String, GgufEntry> tensors =
        new TensorParser(cursor, metadata, where).parse(tensorCount);
    long dataOffset = (cursor.position() + alignment - 1) / alignment * alignment;
    place(tensors, dataOffset, alignment, file.byteSize(), where);
    return new GgufHeader(version, metadata, tensors, dataOffset, cursor.keptBytes());
  }

  private static CheckpointException notGguf(MemorySegment file, String where) {
    if (file.byteSize() >= 4 && file.get(HeaderCursor.INT, 0) == MAGIC) {
      return CheckpointException.of(
          "gguf: header, expected " + FIXED_BYTES + " bytes or more, got " + file.byteSize(),
          where,
          "the file is cut short: download it again");
    }
    FileKind kind = FileKind.of(file);
    return CheckpointException.of(
        "gguf: magic at byte 0, expected \"GGUF\", got " + kind.description(),
        where,
        kind.advice());
  }

  private static int version(int version, String where) throws CheckpointException {
    if (version == 2 || version == 3) {
      return version;
    }
    String got;
    String next;
    if (version == 1) {
      got = "1, whose lengths have 32 bits";
      next = "convert the model again with a current llama.cpp";
    } else if ((version & 0xffff) == 0 && version != 0) {
      got = "a big-endian file of version " + Integer.reverseBytes(version);
      next = "use the little-endian file of this model";
    } else {
      got = Integer.toUnsignedString(version);
      next = "this program is too old for the file, or the file is damaged";
    }
    throw CheckpointException.of(
        "gguf: version at byte 4, expected 2 or 3, got " + got, where, next);
  }

  /** Turns offsets into the data to offsets into the file, and checks all ranges in order. */
  private static void place(
      SortedMap<String, GgufEntry> tensors,
      long dataOffset,
      long alignment,
      long fileBytes,
      String where)
      throws CheckpointException {
    List<GgufEntry> inOrder = new ArrayList<>(tensors.values());
    inOrder.sort(Comparator.comparingLong(GgufEntry::begin).thenComparingLong(GgufEntry::end));
    long dataBytes = Math.max(0, fileBytes - dataOffset);
    long covered = 0;
    for (GgufEntry entry : inOrder) {
      String what = "gguf: tensor " + CheckpointException.quote(entry.name());
      if (entry.begin() % alignment != 0) {
        throw CheckpointException.of(
            what + " offset, expected a multiple of " + alignment + ", got " + entry.begin(),
            where,
            "the file is damaged: download it again");
      }
      if (entry.end() > dataBytes) {
        throw CheckpointException.of(
            what
                + " data, expected to end within the "
                + dataBytes
                + " bytes of data in the file, got an end at "
                + entry.end(),
            where,
            "the file is cut short: download it again");
      }
      if (entry.begin() < covered) {
        throw CheckpointException.of(
            what
                + " offset, expected "
                + covered
                + " or more (the end of the tensor before), got "
                + entry.begin()
                + ", which leaves an overlap",
            where,
            "the file is damaged or hostile: download it again");
      }
      covered = entry.end();
      tensors.put(
          entry.name(),
          new GgufEntry(
              entry.name(),
              entry.dtype(),
              entry.shape(),
              dataOffset + entry.begin(),
              dataOffset + entry.end()));
    }
  }

  /** 2 or 3. */
  public int version() {
    return version;
  }

  public GgufMetadata metadata() {
    return metadata;
  }

  /** All tensors by name, sorted. */
  public SortedMap<String, GgufEntry> tensors() {
    return tensors;
  }

  /** Byte of the file where the data starts. */
  public long dataOffset() {
    return dataOffset;
  }

  /** Estimated heap of this header. */
  long keptBytes() {
    return keptBytes;
  }
}
