package inkstone.model.real;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.number.BFloat16;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.IntStream;

/**
 * A random tensor whose bits depend on its name and a seed alone: what {@code reference/made.py}
 * makes, which says the rule. F32, BF16 and F8_E4M3.
 *
 * @param spread factor of the bell-shaped whole numbers
 * @param mean added to them
 * @param rows powers of two that multiply rows of the first dimension
 * @param columns powers of two that multiply columns of the last dimension
 * @param checksum what Python got
 */
record MadeTensor(
    String name,
    DType dtype,
    Shape shape,
    long seed,
    float spread,
    float mean,
    Map<Integer, Float> rows,
    Map<Integer, Float> columns,
    long checksum) {
  private static final int CHUNK = 1 << 20;
  private static final int MIDDLE = 131_070;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static MadeTensor of(Json spec) throws CheckpointException {
    List<Json> dims = spec.get("shape").items();
    long[] shape = new long[dims.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dims.get(i).asLong();
    }
    return new MadeTensor(
        spec.get("name").asString(),
        DType.valueOf(spec.get("dtype").asString()),
        Shape.of(shape),
        spec.get("seed").asLong(),
        (float) spec.get("spread").asDouble(),
        spec.has("mean") ? (float) spec.get("mean").asDouble() : 0f,
        factors(spec, "rows"),
        factors(spec, "columns"),
        Long.parseUnsignedLong(spec.get("checksum").asString(), 16));
  }

  private static Map<Integer, Float> factors(Json spec, String key) throws CheckpointException {
    Map<Integer, Float> factors = new TreeMap<>();
    if (spec.has(key)) {
      for (Map.Entry<String, Json> factor : spec.get(key).fields().entrySet()) {
        factors.put(Integer.valueOf(factor.getKey()), (float) factor.getValue().asDouble());
      }
    }
    return factors;
  }

  /** Makes it; fails when the bits are not those that Python made. */
  Tensor make(TensorArena arena) {
    Tensor tensor = Tensor.allocate(arena, name, dtype, shape);
    long elements = tensor.elements();
    int width = Math.toIntExact(shape.dim(-1));
    float[] columnFactors = new float[columns.isEmpty() ? 0 : width];
    Arrays.fill(columnFactors, 1);
    columns.forEach((index, factor) -> columnFactors[index] = factor);
    int chunks = Math.toIntExact((elements + CHUNK - 1) / CHUNK);
    long sum =
        IntStream.range(0, chunks)
            .parallel()
            .mapToLong(chunk -> {
              long from = (long) chunk * CHUNK;
              long to = Math.min(elements, from + CHUNK);
              return fill(tensor.segment(), from, to, width, columnFactors);
            })
            .sum();
    if (sum != checksum) {
      throw new AssertionError(
          "checksum of the made "
              + tensor
              + ", expected "
              + Long.toHexString(checksum)
              + " as Python made it, got "
              + Long.toHexString(sum));
    }
    return tensor;
  }

  private long fill(MemorySegment to, long from, long end, int width, float[] columnFactors) {
    long key = fnv1a(name) ^ seed;
    long row = shape.elements() / shape.dim(0);
    long sum = 0;
    for (long i = from; i < end; i++) {
      float value = bell(key, i) * spread + mean;
      if (!rows.isEmpty()) {
        value *= rows.getOrDefault((int) (i / row), 1f);
      }
      if (columnFactors.length > 0) {
        value *= columnFactors[(int) (i % width)];
      }
      sum += store(to, i, value) * (2 * i + 1);
    }
    return sum;
  }

  /** Stores one element and gives its bits. */
  private long store(MemorySegment to, long i, float value) {
    return switch (dtype) {
      case F32 -> {
        int bits = Float.floatToRawIntBits(value);
        to.set(INT, i * 4, bits);
        yield bits & 0xffff_ffffL;
      }
      case BF16 -> {
        short bits = BFloat16.fromFloat(value);
        to.set(SHORT, i * 2, bits);
        yield bits & 0xffffL;
      }
      case F8_E4M3 -> {
        byte bits = e4m3(value);
        to.set(ValueLayout.JAVA_BYTE, i, bits);
        yield bits & 0xffL;
      }
      default -> throw new IllegalArgumentException("MadeTensor: dtype " + dtype);
    };
  }

  /** Rounds to nearest even; only for values whose rounding is finite. */
  static byte e4m3(float value) {
    float magnitude = Math.abs(value);
    int sign = value < 0 || 1 / value < 0 ? 0x80 : 0;
    if (magnitude < 0x1p-6f) { // steps of 2^-9; eight of them are the first normal number
      return (byte) (sign | (int) Math.rint(magnitude * 0x1p9));
    }
    int bits = Float.floatToRawIntBits(magnitude);
    int rounded = bits + 0x7ffff + (bits >>> 20 & 1) >>> 20;
    int code = rounded - (127 - 7 << 3);
    if (code > 0x7e) {
      throw new IllegalArgumentException("MadeTensor: " + value + " is beyond an 8-bit float");
    }
    return (byte) (sign | code);
  }

  /** A whole number of -131070 to 131070, exact as a float: four uniform ones added. */
  static int bell(long key, long i) {
    long z = mixed(key, i);
    return (int) ((z & 0xffff) + (z >>> 16 & 0xffff) + (z >>> 32 & 0xffff) + (z >>> 48)) - MIDDLE;
  }

  /** Signs of sums: those of the numbers under key 0. */
  static int sign(long i) {
    return (bell(0, i) & 1) == 0 ? 1 : -1;
  }

  private static long mixed(long key, long i) {
    long z = key + (i + 1) * 0x9E37_79B9_7F4A_7C15L;
    z = (z ^ z >>> 30) * 0xBF58_476D_1CE4_E5B9L;
    z = (z ^ z >>> 27) * 0x94D0_49BB_1331_11EBL;
    return z ^ z >>> 31;
  }

  private static long fnv1a(String text) {
    long hash = 0xCBF2_9CE4_8422_2325L;
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100_0000_01B3L;
    }
    return hash;
  }
}
