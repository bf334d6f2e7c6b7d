package inkstone.loader.safetensors;

import inkstone.number.BFloat16;
import inkstone.tensor.DType;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

/** Writes small, correct safetensors files for tests. Tensors lie in the order of the calls. */
public final class SafetensorsWriter {
  private static final class Item {
    private final DType dtype;
    private final long[] shape;
    private final byte[] bytes;

    Item(DType dtype, long[] shape, byte[] bytes) {
      this.dtype = dtype;
      this.shape = shape;
      this.bytes = bytes;
    }
  }

  private final Map<String, Item> items = new LinkedHashMap<>();
  private final Map<String, String> metadata = new LinkedHashMap<>();

  public SafetensorsWriter metadata(String key, String value) {
    metadata.put(key, value);
    return this;
  }

  /** Any dtype, as the bytes that the file shall have. */
  public SafetensorsWriter raw(String name, DType dtype, byte[] bytes, long... shape) {
    items.put(name, new Item(dtype, shape.clone(), bytes.clone()));
    return this;
  }

  public SafetensorsWriter f32(String name, float[] values, long... shape) {
    byte[] bytes = new byte[values.length * 4];
    ByteBuffer buffer = buffer(bytes);
    for (float value : values) {
      buffer.putFloat(value);
    }
    return raw(name, DType.F32, bytes, shape);
  }

  /** Rounded to nearest even. */
  public SafetensorsWriter bf16(String name, float[] values, long... shape) {
    byte[] bytes = new byte[values.length * 2];
    ByteBuffer buffer = buffer(bytes);
    for (float value : values) {
      buffer.putShort(BFloat16.fromFloat(value));
    }
    return raw(name, DType.BF16, bytes, shape);
  }

  /** Rounded to nearest even. */
  public SafetensorsWriter f16(String name, float[] values, long... shape) {
    byte[] bytes = new byte[values.length * 2];
    ByteBuffer buffer = buffer(bytes);
    for (float value : values) {
      buffer.putShort(Float.floatToFloat16(value));
    }
    return raw(name, DType.F16, bytes, shape);
  }

  public SafetensorsWriter i64(String name, long[] values, long... shape) {
    byte[] bytes = new byte[values.length * 8];
    ByteBuffer buffer = buffer(bytes);
    for (long value : values) {
      buffer.putLong(value);
    }
    return raw(name, DType.I64, bytes, shape);
  }

  /** The JSON of the header, without padding. */
  public String header() {
    StringBuilder json = new StringBuilder("{");
    if (!metadata.isEmpty()) {
      json.append("\"__metadata__\":{");
      String separator = "";
      for (Map.Entry<String, String> entry : metadata.entrySet()) {
        json.append(separator).append(quoted(entry.getKey()));
        json.append(':').append(quoted(entry.getValue()));
        separator = ",";
      }
      json.append('}');
    }
    long offset = 0;
    for (Map.Entry<String, Item> entry : items.entrySet()) {
      Item item = entry.getValue();
      json.append(json.length() > 1 ? "," : "").append(quoted(entry.getKey()));
      json.append(":{\"dtype\":\"").append(item.dtype).append("\",\"shape\":");
      json.append(Arrays.toString(item.shape).replace(" ", ""));
      json.append(",\"data_offsets\":[").append(offset).append(',');
      offset += item.bytes.length;
      json.append(offset).append("]}");
    }
    return json.append('}').toString();
  }

  /** The whole file. */
  public byte[] toBytes() {
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    items.values().forEach(item -> data.writeBytes(item.bytes));
    return file(header(), data.toByteArray());
  }

  /** Writes the file, with the folders above it. */
  public Path write(Path file) {
    try {
      Files.createDirectories(file.toAbsolutePath().getParent());
      return Files.write(file, toBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A file with any header and data, right or wrong; the header is padded to 8 bytes. */
  public static byte[] file(String header, byte[] data) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    int padded = (json.length + 7) / 8 * 8;
    byte[] bytes = new byte[8 + padded + data.length];
    ByteBuffer out = buffer(bytes).putLong(padded).put(json);
    while (out.position() < 8 + padded) {
      out.put((byte) ' ');
    }
    out.put(data);
    return bytes;
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' || c == '\\') {
        out.append('\\').append(c);
      } else if (c < ' ') {
        out.append(String.format("\\u%04x", (int) c));
      } else {
        out.append(c);
      }
    }
    return out.append('"').toString();
  }
}
