package inkstone.model.fuzz;

import inkstone.model.fuzz.FieldMutations.Field;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Writes a small GGUF file and remembers where each number of its header stands. */
public final class GgufBytes {
  private static final int ALIGNMENT = 32;

  private final ByteArrayOutputStream header = new ByteArrayOutputStream();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private final List<Field> fields = new ArrayList<>();

  /**
   * A header with so many tensors and pairs to come.
   *
   * @param version 2 or 3
   */
  public GgufBytes(int version, int tensors, int pairs) {
    header.writeBytes("GGUF".getBytes(StandardCharsets.US_ASCII));
    number(version, 4);
    number(tensors, 8);
    number(pairs, 8);
  }

  private void number(long value, int width) {
    fields.add(new Field(header.size(), width));
    for (int i = 0; i < width; i++) {
      header.write((int) (value >>> 8 * i));
    }
  }

  private void text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    number(bytes.length, 8);
    header.writeBytes(bytes);
  }

  /** A pair whose value is a string. */
  public GgufBytes pair(String key, String value) {
    text(key);
    number(8, 4);
    text(value);
    return this;
  }

  /** A pair whose value is a number: its type, and its bytes in the file. */
  public GgufBytes pair(String key, int type, long value, int width) {
    text(key);
    number(type, 4);
    number(value, width);
    return this;
  }

  /** A pair whose value is an array of strings. */
  public GgufBytes pair(String key, List<String> values) {
    text(key);
    number(9, 4);
    number(8, 4);
    number(values.size(), 8);
    int all = fields.size();
    values.forEach(this::text);
    // Thousands of lengths would leave no mutants for the rest.
    fields.subList(Math.min(fields.size(), all + 4), fields.size()).clear();
    return this;
  }

  /** A pair whose value is an array of numbers of 4 bytes. */
  public GgufBytes pair(String key, int element, int[] values) {
    text(key);
    number(9, 4);
    number(element, 4);
    number(values.length, 8);
    for (int value : values) {
      number(value, 4);
    }
    fields
        .subList(Math.max(0, fields.size() - Math.max(0, values.length - 4)), fields.size())
        .clear();
    return this;
  }

  /**
   * A tensor of ones' bits.
   *
   * @param type ggml's number of it
   * @param dims ggml's order: fastest first
   */
  public GgufBytes tensor(String name, int type, int bytes, long... dims) {
    text(name);
    number(dims.length, 4);
    for (long dim : dims) {
      number(dim, 8);
    }
    number(type, 4);
    number(data.size(), 8);
    byte[] content = new byte[(bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT];
    Arrays.fill(content, 0, bytes, (byte) 0x11);
    data.writeBytes(content);
    return this;
  }

  /** The whole file. */
  public byte[] toBytes() {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(header.toByteArray());
    while (out.size() % ALIGNMENT != 0) {
      out.write(0);
    }
    out.writeBytes(data.toByteArray());
    return out.toByteArray();
  }

  /** Changes of its numbers. */
  Mutator mutations() {
    return new FieldMutations(List.copyOf(fields));
  }
}
