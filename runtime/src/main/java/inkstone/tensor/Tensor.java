package inkstone.tensor;

import inkstone.memory.AddressSpace;
import inkstone.memory.TensorArena;
import inkstone.number.BFloat16;
import inkstone.number.Float8;
import inkstone.number.GgufBlock;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * A handle on off-heap numbers: dtype, shape, contiguous row-major segment, name. It owns nothing
 * and computes nothing; its arena decides how long it lives.
 */
public final class Tensor {
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String name;
  private final DType dtype;
  private final Shape shape;
  private final MemorySegment segment;
  private final float scale;

  public Tensor(String name, DType dtype, Shape shape, MemorySegment segment) {
    this(name, dtype, shape, segment, 1);
  }

  private Tensor(String name, DType dtype, Shape shape, MemorySegment segment, float scale) {
    long bytes = bytes(name, dtype, shape);
    if (segment.byteSize() != bytes) {
      throw new IllegalArgumentException(
          "Tensor: "
              + name
              + " "
              + dtype
              + shape
              + " needs "
              + bytes
              + " bytes, expected a segment of that size, got "
              + segment.byteSize());
    }
    this.name = name;
    this.dtype = dtype;
    this.shape = shape;
    this.segment = segment;
    this.scale = scale;
  }

  /** A zeroed F32 tensor. */
  public static Tensor f32(TensorArena arena, String name, long... dims) {
    return allocate(arena, name, DType.F32, Shape.of(dims));
  }

  /** A zeroed tensor of any dtype. */
  public static Tensor allocate(TensorArena arena, String name, DType dtype, Shape shape) {
    return new Tensor(name, dtype, shape, arena.allocate(bytes(name, dtype, shape)));
  }

  /** Bytes of all elements; refuses rows that would end inside a block. */
  private static long bytes(String name, DType dtype, Shape shape) {
    long row = shape.rank() == 0 ? 1 : shape.dim(-1);
    if (row % dtype.blockElements() != 0) {
      throw new IllegalArgumentException(
          "Tensor: last dimension of "
              + dtype
              + ", expected a multiple of its block of "
              + dtype.blockElements()
              + ", got "
              + shape
              + " ("
              + name
              + "); store this tensor as F32 or BF16");
    }
    return dtype.bytes(shape.elements());
  }

  /** An F32 tensor with a copy of {@code values}; without numbers in an arena that only counts. */
  public static Tensor of(TensorArena arena, String name, float[] values, long... dims) {
    Tensor tensor = f32(arena, name, dims);
    if (arena.backed()) {
      tensor.copyFrom(values);
    }
    return tensor;
  }

  public String name() {
    return name;
  }

  public DType dtype() {
    return dtype;
  }

  public Shape shape() {
    return shape;
  }

  public MemorySegment segment() {
    return segment;
  }

  public int rank() {
    return shape.rank();
  }

  /** Size of dimension {@code i}; a negative index counts from the end. */
  public long dim(int i) {
    return shape.dim(i);
  }

  public long elements() {
    return shape.elements();
  }

  /** Native address of element 0. Throws {@link IllegalStateException} when the arena is closed. */
  public long address() {
    return AddressSpace.address(segment);
  }

  /** The same memory under another shape with as many elements. */
  public Tensor view(long... dims) {
    Shape other = Shape.of(dims);
    if (other.elements() != shape.elements()) {
      throw new IllegalArgumentException(
          "Tensor.view: "
              + name
              + " is "
              + shape
              + ", got "
              + other
              + " with another element count");
    }
    return new Tensor(name, dtype, other, segment, scale);
  }

  /** Rows {@code [from, to)} of the first dimension, sharing memory. */
  public Tensor rows(long from, long to) {
    if (from < 0 || to < from || to > dim(0)) {
      throw new IllegalArgumentException(
          "Tensor.rows: ["
              + from
              + ", "
              + to
              + ") of "
              + name
              + " "
              + shape
              + ", expected a range inside the first dimension");
    }
    long[] dims = shape.toArray();
    dims[0] = to - from;
    long row = dim(0) == 0 ? 0 : elements() / dim(0);
    long begin = dtype.bytes(from * row);
    return new Tensor(
        name, dtype, Shape.of(dims), segment.asSlice(begin, dtype.bytes(to * row) - begin), scale);
  }

  /** The same tensor under another name. */
  public Tensor named(String newName) {
    return new Tensor(newName, dtype, shape, segment, scale);
  }

  /**
   * The same memory, of which each element stands for its stored number times {@code factor},
   * rounded to F32: how a checkpoint of 8-bit floats makes use of their range. It takes the place
   * of a factor from before. Weights may have one, in every op that takes a storage type;
   * activations may not.
   *
   * @throws IllegalArgumentException when {@code factor} is infinite or NaN
   */
  public Tensor scaled(float factor) {
    if (!Float.isFinite(factor)) {
      throw new IllegalArgumentException(
          "Tensor.scaled: factor, expected a finite number, got "
              + factor
              + " ("
              + name
              + "); check the scale that the file stores beside it");
    }
    return new Tensor(name, dtype, shape, segment, factor);
  }

  /** What each stored number is multiplied with; 1 unless {@link #scaled} set another. */
  public float scale() {
    return scale;
  }

  /** Element {@code i} in row-major order as a float, times the scale; not for inner loops. */
  public float getFloat(long i) {
    float stored = stored(i);
    return scale == 1 ? stored : stored * scale;
  }

  private float stored(long i) {
    int inBlock = (int) (i % dtype.blockElements());
    long block = dtype.bytes(i - inBlock);
    return switch (dtype) {
      case F64 -> (float) segment.get(DOUBLE, i * 8);
      case F32 -> segment.get(FLOAT, i * 4);
      case F16 -> Float.float16ToFloat(segment.get(SHORT, i * 2));
      case BF16 -> BFloat16.toFloat(segment.get(SHORT, i * 2));
      case F8_E4M3 -> Float8.e4m3ToFloat(segment.get(ValueLayout.JAVA_BYTE, i));
      case F8_E5M2 -> Float8.e5m2ToFloat(segment.get(ValueLayout.JAVA_BYTE, i));
      case I64 -> segment.get(LONG, i * 8);
      case I32 -> segment.get(INT, i * 4);
      case I16 -> segment.get(SHORT, i * 2);
      case I8 -> segment.get(ValueLayout.JAVA_BYTE, i);
      case U8, BOOL -> segment.get(ValueLayout.JAVA_BYTE, i) & 0xff;
      case Q8_0 -> GgufBlock.q8(segment, block, inBlock);
      case Q4_0 -> GgufBlock.q4(segment, block, inBlock);
      case Q4_1 -> GgufBlock.q4m(segment, block, inBlock);
      case Q5_0 -> GgufBlock.q5(segment, block, inBlock);
      case Q5_1 -> GgufBlock.q5m(segment, block, inBlock);
      case Q2_K -> GgufBlock.q2k(segment, block, inBlock);
      case Q3_K -> GgufBlock.q3k(segment, block, inBlock);
      case Q4_K -> GgufBlock.q4k(segment, block, inBlock);
      case Q5_K -> GgufBlock.q5k(segment, block, inBlock);
      case Q6_K -> GgufBlock.q6k(segment, block, inBlock);
      case IQ4_NL -> GgufBlock.iq4nl(segment, block, inBlock);
      case IQ4_XS -> GgufBlock.iq4xs(segment, block, inBlock);
    };
  }

  /** Element {@code i} in row-major order of an integer tensor; not for inner loops. */
  public long getLong(long i) {
    requireUnscaled("getLong");
    return switch (dtype) {
      case I64 -> segment.get(LONG, i * 8);
      case I32 -> segment.get(INT, i * 4);
      case I16 -> segment.get(SHORT, i * 2);
      case I8 -> segment.get(ValueLayout.JAVA_BYTE, i);
      case U8, BOOL -> segment.get(ValueLayout.JAVA_BYTE, i) & 0xff;
      default ->
          throw new IllegalArgumentException(
              "Tensor.getLong: " + name + " is " + dtype + ", expected an integer type");
    };
  }

  /**
   * Stores {@code value} at element {@code i}, rounded to nearest even where the dtype is narrower;
   * F32, BF16 and F16 without a scale only.
   */
  public void setFloat(long i, float value) {
    requireUnscaled("setFloat");
    switch (dtype) {
      case F32 -> segment.set(FLOAT, i * 4, value);
      case F16 -> segment.set(SHORT, i * 2, Float.floatToFloat16(value));
      case BF16 -> segment.set(SHORT, i * 2, BFloat16.fromFloat(value));
      default ->
          throw new IllegalArgumentException(
              "Tensor.setFloat: " + name + " is " + dtype + ", expected F32, BF16 or F16");
    }
  }

  /** Fills an F32 tensor from a heap array of the same element count. */
  public void copyFrom(float[] values) {
    requireF32("copyFrom");
    requireUnscaled("copyFrom");
    if (values.length != elements()) {
      throw new IllegalArgumentException(
          "Tensor.copyFrom: " + name + " has " + elements() + " elements, got " + values.length);
    }
    MemorySegment.copy(values, 0, segment, FLOAT, 0, values.length);
  }

  /** Fills this tensor from another of equal dtype, scale and element count. */
  public void copyFrom(Tensor other) {
    if (other.dtype != dtype || other.scale != scale || other.elements() != elements()) {
      throw new IllegalArgumentException(
          "Tensor.copyFrom: "
              + this
              + ", expected another of its dtype, scale and element count, got "
              + other
              + "; widen it instead");
    }
    segment.copyFrom(other.segment);
  }

  /** All elements widened to floats on the heap; for small tensors and tests. */
  public float[] toFloatArray() {
    float[] values = new float[Math.toIntExact(elements())];
    if (dtype == DType.F32 && scale == 1) {
      MemorySegment.copy(segment, FLOAT, 0, values, 0, values.length);
    } else {
      for (int i = 0; i < values.length; i++) {
        values[i] = getFloat(i);
      }
    }
    return values;
  }

  private void requireF32(String what) {
    if (dtype != DType.F32) {
      throw new IllegalArgumentException(
          "Tensor." + what + ": " + name + " is " + dtype + ", expected F32");
    }
  }

  private void requireUnscaled(String what) {
    if (scale != 1) {
      throw new IllegalArgumentException(
          "Tensor."
              + what
              + ": scale of "
              + name
              + ", expected 1, got "
              + scale
              + "; read it as floats, or write to a tensor without a scale");
    }
  }

  @Override
  public String toString() {
    return name + " " + dtype + shape + (scale == 1 ? "" : " * " + scale);
  }
}
