package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** Reads the list of tensors; checks each one by itself. Offsets count from the data's start. */
final class TensorParser {
  /** ggml has 4 dimensions; files of ComfyUI-GGUF for video models have 5. */
  static final int MAX_RANK = 8;

  /** Longest name; ggml allows 63 bytes, ComfyUI-GGUF 127. */
  private static final int MAX_NAME_BYTES = 1024;

  /** Name length and one byte of it, rank, type and offset. */
  private static final int INFO_BYTES = 25;

  /** Heap of an entry beside its name: entry, shape, dims and tree node. */
  private static final int ENTRY_BYTES = 300;

  private final HeaderCursor cursor;
  private final GgufMetadata metadata;
  private final String where;

  TensorParser(HeaderCursor cursor, GgufMetadata metadata, String where) {
    this.cursor = cursor;
    this.metadata = metadata;
    this.where = where;
  }

  SortedMap<String, GgufEntry> parse(long count) throws CheckpointException {
    if (count < 0 || count > cursor.left() / (INFO_BYTES - 1)) {
      throw cursor.bad(
          "tensor count",
          "at most " + cursor.left() / (INFO_BYTES - 1) + ", which fit the rest of the header",
          Long.toUnsignedString(count),
          8);
    }
    SortedMap<String, GgufEntry> tensors = new TreeMap<>();
    for (long i = 0; i < count; i++) {
      long at = cursor.position();
      String name = cursor.name("name of tensor " + i, MAX_NAME_BYTES);
      cursor.charge(ENTRY_BYTES + 2L * name.length());
      if (tensors.containsKey(name)) {
        throw cursor.bad("tensor " + CheckpointException.quote(name), "it once", "it twice", at);
      }
      tensors.put(name, entry(name));
    }
    return tensors;
  }

  private GgufEntry entry(String name) throws CheckpointException {
    String what = "tensor " + CheckpointException.quote(name);
    long[] dims = dims(what);
    long at = cursor.position();
    int number = cursor.u32(what + " type");
    DType dtype = TensorTypes.of(number);
    if (dtype == null) {
      throw CheckpointException.of(
          "gguf: "
              + what
              + " type at byte "
              + at
              + ", expected one of "
              + TensorTypes.readable().stream().map(DType::name).collect(Collectors.joining(", "))
              + ", got "
              + TensorTypes.describe(number),
          where,
          "use a file in one of these types, such as Q4_K or Q8_0");
    }
    long bytes = bytes(what, dtype, dims, at);
    long offsetAt = cursor.position();
    long offset = cursor.u64(what + " offset");
    if (offset < 0 || offset > Long.MAX_VALUE - bytes) {
      throw cursor.bad(
          what + " offset", "one inside the file", Long.toUnsignedString(offset), offsetAt);
    }
    return new GgufEntry(name, dtype, shape(what, name, dtype, dims), offset, offset + bytes);
  }

  /** The dimensions in PyTorch's order. */
  private long[] dims(String what) throws CheckpointException {
    long at = cursor.position();
    int rank = cursor.u32(what + " dimension count");
    if (rank < 0 || rank > MAX_RANK) {
      throw cursor.bad(
          what + " dimension count", "at most " + MAX_RANK, Integer.toUnsignedString(rank), at);
    }
    long[] dims = new long[rank];
    for (int i = rank - 1; i >= 0; i--) {
      long dimAt = cursor.position();
      dims[i] = cursor.u64(what + " dimension");
      if (dims[i] < 0) {
        throw cursor.bad(
            what + " dimension", "a size below 2^63", Long.toUnsignedString(dims[i]), dimAt);
      }
    }
    return dims;
  }

  private long bytes(String what, DType dtype, long[] dims, long at) throws CheckpointException {
    long row = dims.length == 0 ? 1 : dims[dims.length - 1];
    if (row % dtype.blockElements() != 0) {
      throw cursor.bad(
          what + " last dimension",
          "a multiple of " + dtype + "'s block of " + dtype.blockElements(),
          Arrays.toString(dims),
          at);
    }
    try {
      return dtype.bytes(Shape.of(dims).elements());
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw cursor.bad(
          what + " shape",
          "a size below 2^63 bytes",
          Arrays.toString(dims) + " of " + dtype + ", which overflows",
          at);
    }
  }

  /** ComfyUI-GGUF stores some tensors in another shape and notes the model's own beside them. */
  private Shape shape(String what, String name, DType dtype, long[] dims)
      throws CheckpointException {
    Shape stored = Shape.of(dims);
    String key = "comfy.gguf.orig_shape." + name;
    if (!metadata.has(key)) {
      return stored;
    }
    long[] original = metadata.wholes(key, MAX_RANK);
    Shape shape;
    try {
      shape = Shape.of(original);
    } catch (IllegalArgumentException e) {
      throw metadata.error(key, "a shape", Arrays.toString(original));
    }
    long row = original.length == 0 ? 1 : original[original.length - 1];
    if (shape.elements() != stored.elements() || row % dtype.blockElements() != 0) {
      throw metadata.error(
          key,
          "a shape of "
              + stored.elements()
              + " elements in whole blocks of "
              + dtype.blockElements()
              + " for "
              + what,
          shape.toString());
    }
    return shape;
  }
}
