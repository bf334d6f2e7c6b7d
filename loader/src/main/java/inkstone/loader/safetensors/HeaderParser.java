package inkstone.loader.safetensors;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.JsonLimits;
import inkstone.loader.json.JsonTokens;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import java.io.InputStream;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.core.JsonToken;

/** Turns the JSON of a header into entries; checks each one by itself. */
final class HeaderParser implements AutoCloseable {
  /** PyTorch allows 64 dimensions; no tensor of any model has more than 8. */
  static final int MAX_RANK = 32;

  /** Heap of an entry beside its name: entry, shape, dims and tree node. */
  private static final int ENTRY_BYTES = 240;

  /** What the format names; it has no quantised blocks. */
  private static final List<DType> DTYPES =
      Arrays.stream(DType.values()).filter(dtype -> dtype.blockElements() == 1).toList();

  private static final String DAMAGED = "the file is damaged or hostile: download it again";

  private final JsonTokens tokens;
  private final String where;

  HeaderParser(InputStream in, String where) throws CheckpointException {
    this.tokens = JsonTokens.open(in, where, JsonLimits.HEADER);
    this.where = where;
  }

  /** Fills {@code tensors} and returns the metadata. */
  Map<String, String> parse(Map<String, TensorEntry> tensors) throws CheckpointException {
    require(next(), JsonToken.START_OBJECT, "safetensors: header", "an object");
    Map<String, String> metadata = null;
    while (next() != JsonToken.END_OBJECT) {
      String name = tokens.text();
      if (name.equals("__metadata__")) {
        if (metadata != null) {
          throw twice("safetensors: header key \"__metadata__\"");
        }
        metadata = metadata();
      } else if (tensors.containsKey(name)) {
        throw twice(SafetensorsHeader.tensor(name));
      } else {
        tensors.put(name, entry(name));
      }
    }
    tokens.requireEnd();
    return metadata == null ? Map.of() : metadata;
  }

  /** Estimated heap of what {@link #parse} kept. */
  long keptBytes() {
    return tokens.keptBytes();
  }

  private Map<String, String> metadata() throws CheckpointException {
    String what = "safetensors: header key \"__metadata__\"";
    require(next(), JsonToken.START_OBJECT, what, "an object");
    Map<String, String> metadata = new LinkedHashMap<>();
    while (next() != JsonToken.END_OBJECT) {
      String key = tokens.text();
      String member = "safetensors: metadata " + CheckpointException.quote(key);
      if (metadata.containsKey(key)) {
        throw twice(member);
      }
      require(next(), JsonToken.VALUE_STRING, member, "a string");
      tokens.charge(64);
      metadata.put(key, tokens.text());
    }
    return metadata;
  }

  private TensorEntry entry(String name) throws CheckpointException {
    String what = SafetensorsHeader.tensor(name);
    tokens.charge(ENTRY_BYTES);
    require(next(), JsonToken.START_OBJECT, what, "an object with dtype, shape and data_offsets");
    DType dtype = null;
    long[] dims = null;
    long[] offsets = null;
    while (next() != JsonToken.END_OBJECT) {
      switch (tokens.name()) {
        case "dtype" -> {
          requireFirst(dtype, what + " dtype");
          dtype = dtype(what);
        }
        case "shape" -> {
          requireFirst(dims, what + " shape");
          dims = numbers(what + " shape", MAX_RANK);
        }
        case "data_offsets" -> {
          requireFirst(offsets, what + " data_offsets");
          offsets = numbers(what + " data_offsets", 2);
        }
        // The format's reference implementation ignores other keys too.
        default -> {
          next();
          tokens.skipChildren();
        }
      }
    }
    if (dtype == null || dims == null || offsets == null) {
      throw bad(
          what,
          "the keys dtype, shape and data_offsets",
          "none named " + (dtype == null ? "dtype" : dims == null ? "shape" : "data_offsets"));
    }
    return checked(what, name, dtype, dims, offsets);
  }

  private TensorEntry checked(String what, String name, DType dtype, long[] dims, long[] offsets)
      throws CheckpointException {
    if (offsets.length != 2) {
      throw bad(what + " data_offsets", "[begin, end]", Arrays.toString(offsets));
    }
    if (offsets[1] < offsets[0]) {
      throw bad(what + " data_offsets", "begin not above end", Arrays.toString(offsets));
    }
    long bytes = dtype.bytes(1);
    try {
      for (long dim : dims) {
        bytes = Math.multiplyExact(bytes, dim);
      }
    } catch (ArithmeticException e) {
      throw bad(
          what + " shape",
          "a size below 2^63 bytes",
          Arrays.toString(dims) + " of " + dtype + ", which overflows");
    }
    if (bytes != offsets[1] - offsets[0]) {
      throw bad(
          what + " data_offsets",
          bytes + " bytes for " + dtype + Arrays.toString(dims),
          (offsets[1] - offsets[0]) + " bytes, " + Arrays.toString(offsets));
    }
    return new TensorEntry(name, dtype, Shape.of(dims), offsets[0], offsets[1]);
  }

  private DType dtype(String what) throws CheckpointException {
    require(next(), JsonToken.VALUE_STRING, what + " dtype", "a string");
    String name = tokens.passingText();
    for (DType dtype : DTYPES) {
      if (dtype.name().equals(name)) {
        return dtype;
      }
    }
    throw CheckpointException.of(
        what + " dtype, expected one of " + DTYPES + ", got " + CheckpointException.quote(name),
        where,
        "use a file in one of these types, such as the BF16 weights of this model");
  }

  /** An array of whole numbers, none negative. */
  private long[] numbers(String what, int max) throws CheckpointException {
    require(next(), JsonToken.START_ARRAY, what, "an array");
    long[] values = new long[4];
    int count = 0;
    for (JsonToken token = next(); token != JsonToken.END_ARRAY; token = next()) {
      if (count == max) {
        throw bad(what, "at most " + max + " numbers", "more");
      }
      require(token, JsonToken.VALUE_NUMBER_INT, what, "whole numbers");
      if (!tokens.fitsLong() || tokens.longValue() < 0) {
        throw bad(
            what, "numbers from 0 to 2^63-1", CheckpointException.quote(tokens.passingText()));
      }
      if (count == values.length) {
        values = Arrays.copyOf(values, 2 * count);
      }
      values[count++] = tokens.longValue();
    }
    tokens.charge(8L * count);
    return Arrays.copyOf(values, count);
  }

  private JsonToken next() throws CheckpointException {
    JsonToken token = tokens.next();
    if (token == null) {
      throw CheckpointException.of(
          "safetensors: header, expected its closing brace, got its end at character "
              + tokens.offset(),
          where,
          DAMAGED);
    }
    return token;
  }

  private void require(JsonToken token, JsonToken kind, String what, String expected)
      throws CheckpointException {
    if (token != kind) {
      throw bad(what, expected, tokens.describe(token));
    }
  }

  private void requireFirst(Object earlier, String what) throws CheckpointException {
    if (earlier != null) {
      throw twice(what);
    }
  }

  private CheckpointException twice(String what) {
    return bad(what, "it once", "it twice");
  }

  private CheckpointException bad(String what, String expected, String got) {
    return CheckpointException.of(
        what
            + ", expected "
            + expected
            + ", got "
            + got
            + " at header character "
            + tokens.offset(),
        where,
        DAMAGED);
  }

  @Override
  public void close() {
    tokens.close();
  }
}
