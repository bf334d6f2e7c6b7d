package inkstone.loader.write;

import inkstone.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Begins safetensors files. */
public final class SafetensorsWriter {
  private static final int ALIGNMENT = 8;

  private SafetensorsWriter() {}

  /** Whether the format has a name for it; it has none for GGUF's blocks. */
  public static boolean holds(DType dtype) {
    return dtype.blockElements() == 1;
  }

  /**
   * Writes the header; the tensors follow in the order of {@code tensors}. Wider types first keep
   * each of them aligned.
   *
   * @param metadata free text, stored sorted
   * @param replace whether an existing file may be replaced
   */
  public static TensorWriter open(
      Path file, List<TensorSpec> tensors, Map<String, String> metadata, boolean replace)
      throws OutputException {
    byte[] text = header(tensors, new TreeMap<>(metadata)).getBytes(StandardCharsets.UTF_8);
    int padded = (int) TensorWriter.aligned(text.length, ALIGNMENT);
    ByteBuffer header = ByteBuffer.allocate(8 + padded).order(ByteOrder.LITTLE_ENDIAN);
    header.putLong(padded).put(text);
    while (header.hasRemaining()) {
      header.put((byte) ' ');
    }
    long bytes = header.capacity();
    for (TensorSpec tensor : tensors) {
      bytes += tensor.bytes();
    }
    return TensorWriter.behind(
        PartialFile.open(file, bytes, replace),
        MemorySegment.ofArray(header.array()),
        List.copyOf(tensors),
        1);
  }

  private static String header(List<TensorSpec> tensors, SortedMap<String, String> metadata) {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      json.append("\"__metadata__\":{");
      metadata.forEach((key, value) -> {
        quote(json, key).append(':');
        quote(json, value).append(',');
      });
      json.setCharAt(json.length() - 1, '}');
      json.append(',');
    }
    Set<String> names = new HashSet<>();
    long offset = 0;
    for (TensorSpec tensor : tensors) {
      if (!holds(tensor.dtype()) || !names.add(tensor.name())) {
        throw new IllegalArgumentException(
            "SafetensorsWriter: tensors, expected unlike names and plain types, got "
                + tensor.name()
                + " of "
                + tensor.dtype()
                + "; write GGUF, or another type");
      }
      long end = offset + tensor.bytes();
      quote(json, tensor.name()).append(":{\"dtype\":\"").append(tensor.dtype());
      json.append("\",\"shape\":").append(tensor.shape().toString().replace(" ", ""));
      json.append(",\"data_offsets\":[").append(offset).append(',').append(end).append("]},");
      offset = end;
    }
    if (json.length() > 1) {
      json.setLength(json.length() - 1);
    }
    return json.append('}').toString();
  }

  private static StringBuilder quote(StringBuilder json, String text) {
    json.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        json.append('\\').append(c);
      } else if (c < 0x20 || Character.isSurrogate(c)) {
        json.append(String.format("\\u%04x", (int) c));
      } else {
        json.append(c);
      }
    }
    return json.append('"');
  }
}
