package inkstone.loader.gguf;

import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Writes GGUF files for tests, right ones and wrong ones. Tensors lie in the order of the calls.
 */
public final class GgufBuilder {

  private final ByteArrayOutputStream pairs = new ByteArrayOutputStream();
  private final ByteArrayOutputStream infos = new ByteArrayOutputStream();
  private final ByteArrayOutputStream data = new ByteArrayOutputStream();
  private int alignment = 32;
  private long pairCount;
  private long tensorCount;

  /** Takes all metadata of a file that has no tensors and no padding. */
  public GgufBuilder metadataOf(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    pairs.write(bytes, 24, bytes.length - 24);
    pairCount += ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong(16);
    return this;
  }

  /** A pair of any type, as the bytes of its value. */
  public GgufBuilder raw(String key, int type, byte[] value) {
    pairs.writeBytes(text(key));
    pairs.writeBytes(u32(type));
    pairs.writeBytes(value);
    pairCount++;
    return this;
  }

  public GgufBuilder string(String key, String value) {
    return raw(key, 8, text(value));
  }

  public GgufBuilder u32(String key, int value) {
    return raw(key, 4, u32(value));
  }

  public GgufBuilder f32(String key, float value) {
    return raw(key, 6, u32(Float.floatToRawIntBits(value)));
  }

  public GgufBuilder flag(String key, boolean value) {
    return raw(key, 7, new byte[] {(byte) (value ? 1 : 0)});
  }

  public GgufBuilder strings(String key, Iterable<String> values) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    long count = 0;
    for (String value : values) {
      all.writeBytes(text(value));
      count++;
    }
    return raw(key, 9, join(u32(8), u64(count), all.toByteArray()));
  }

  public GgufBuilder i32s(String key, int... values) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (int value : values) {
      all.writeBytes(u32(value));
    }
    return raw(key, 9, join(u32(5), u64(values.length), all.toByteArray()));
  }

  /** Must come before the first tensor. */
  public GgufBuilder alignment(int bytes) {
    alignment = bytes;
    return u32("general.alignment", bytes);
  }

  /** A tensor in PyTorch's order of dimensions. */
  public GgufBuilder tensor(String name, DType dtype, byte[] bytes, long... shape) {
    info(name, number(dtype), data.size(), shape);
    data.writeBytes(bytes);
    data.writeBytes(new byte[padding(data.size())]);
    return this;
  }

  public GgufBuilder f32(String name, float[] values, long... shape) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * values.length).order(ByteOrder.LITTLE_ENDIAN);
    for (float value : values) {
      bytes.putFloat(value);
    }
    return tensor(name, DType.F32, bytes.array(), shape);
  }

  /** A tensor of another file, as it is stored there. */
  public GgufBuilder stored(String name, Tensor tensor) {
    return tensor(
        name,
        tensor.dtype(),
        tensor.segment().toArray(ValueLayout.JAVA_BYTE),
        tensor.shape().toArray());
  }

  /** A tensor of another file, widened. */
  public GgufBuilder widened(String name, Tensor tensor) {
    return f32(name, tensor.toFloatArray(), tensor.shape().toArray());
  }

  /** One line of the list of tensors, of any content. */
  public GgufBuilder info(String name, int type, long offset, long... shape) {
    infos.writeBytes(text(name));
    infos.writeBytes(u32(shape.length));
    for (int i = shape.length - 1; i >= 0; i--) {
      infos.writeBytes(u64(shape[i]));
    }
    infos.writeBytes(u32(type));
    infos.writeBytes(u64(offset));
    tensorCount++;
    return this;
  }

  /** Bytes after the list of tensors that {@link #info} alone does not write. */
  public GgufBuilder data(int bytes) {
    data.writeBytes(new byte[bytes]);
    return this;
  }

  public byte[] bytes() {
    return bytes(3, tensorCount, pairCount);
  }

  /** The file with a header that may lie. */
  public byte[] bytes(int version, long tensors, long metadata) {
    byte[] header =
        join(
            "GGUF".getBytes(StandardCharsets.US_ASCII),
            u32(version),
            u64(tensors),
            u64(metadata),
            pairs.toByteArray(),
            infos.toByteArray());
    return join(header, new byte[padding(header.length)], data.toByteArray());
  }

  public Path write(Path file) throws IOException {
    return Files.write(file, bytes());
  }

  private int padding(int bytes) {
    return (alignment - bytes % alignment) % alignment;
  }

  private static int number(DType dtype) {
    for (int number = 0; number < 64; number++) {
      if (TensorTypes.of(number) == dtype) {
        return number;
      }
    }
    throw new AssertionError(dtype + " is none of " + TensorTypes.readable());
  }

  static byte[] text(String value) {
    byte[] bytes = value.getBytes(StandardCharsets.UTF_8);
    return join(u64(bytes.length), bytes);
  }

  static byte[] u32(int value) {
    return ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array();
  }

  static byte[] u64(long value) {
    return ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array();
  }

  static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }
}
