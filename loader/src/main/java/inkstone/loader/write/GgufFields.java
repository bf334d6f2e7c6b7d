package inkstone.loader.write;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The metadata of a GGUF file to be: typed values under keys, in the order of their adding. */
public final class GgufFields {
  private static final int U32 = 4;
  private static final int I32 = 5;
  private static final int F32 = 6;
  private static final int FLAG = 7;
  private static final int STRING = 8;
  private static final int ARRAY = 9;

  /** Type and value as they are stored. */
  private final Map<String, byte[]> values = new LinkedHashMap<>();

  public GgufFields string(String key, String value) {
    return put(key, new Bytes().u32(STRING).string(value));
  }

  /** An unsigned number of 32 bits. */
  public GgufFields whole(String key, long value) {
    return put(key, new Bytes().u32(U32).u32(value));
  }

  public GgufFields number(String key, float value) {
    return put(key, new Bytes().u32(F32).u32(Float.floatToRawIntBits(value)));
  }

  public GgufFields flag(String key, boolean value) {
    return put(key, new Bytes().u32(FLAG).u8(value ? 1 : 0));
  }

  public GgufFields strings(String key, List<String> items) {
    Bytes bytes = new Bytes().u32(ARRAY).u32(STRING).u64(items.size());
    items.forEach(bytes::string);
    return put(key, bytes);
  }

  /** Signed numbers of 32 bits. */
  public GgufFields wholes(String key, List<Integer> items) {
    Bytes bytes = new Bytes().u32(ARRAY).u32(I32).u64(items.size());
    items.forEach(bytes::u32);
    return put(key, bytes);
  }

  public GgufFields numbers(String key, List<Float> items) {
    Bytes bytes = new Bytes().u32(ARRAY).u32(F32).u64(items.size());
    items.forEach(item -> bytes.u32(Float.floatToRawIntBits(item)));
    return put(key, bytes);
  }

  /**
   * A value of another file.
   *
   * @param stored type and value, as {@link inkstone.loader.gguf.GgufMetadata#stored} gives them
   */
  public GgufFields copy(String key, byte[] stored) {
    values.put(key, stored.clone());
    return this;
  }

  private GgufFields put(String key, Bytes value) {
    values.put(key, value.toByteArray());
    return this;
  }

  int count() {
    return values.size();
  }

  void appendTo(Bytes out) {
    values.forEach((key, value) -> out.string(key).bytes(value));
  }

  /** Little-endian bytes. */
  static final class Bytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    Bytes u8(int value) {
      out.write(value);
      return this;
    }

    Bytes u32(long value) {
      return bytes(
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt((int) value).array());
    }

    Bytes u64(long value) {
      return bytes(ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }

    Bytes string(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      return u64(utf8.length).bytes(utf8);
    }

    Bytes bytes(byte[] bytes) {
      out.write(bytes, 0, bytes.length);
      return this;
    }

    int size() {
      return out.size();
    }

    byte[] toByteArray() {
      return out.toByteArray();
    }
  }
}
