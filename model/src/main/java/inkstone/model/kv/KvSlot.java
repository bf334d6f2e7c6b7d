package inkstone.model.kv;

import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.ops.Int8Rows;
import inkstone.ops.KeyValue;
import inkstone.ops.Narrow;
import inkstone.ops.Rows;
import inkstone.ops.Widen;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;

/** Keys and values of one layer, in one segment. R rows of H heads of d channels. */
final class KvSlot {
  /** One of the two: elements, and for INT8 their scales. */
  private record Part(Tensor elements, Tensor scales) {}

  private final int layer;
  private final KvLayout layout;
  private final Part key;
  private final Part value;

  KvSlot(TensorArena arena, KvLayout layout, int layer) {
    this.layer = layer;
    this.layout = layout;
    MemorySegment segment = arena.allocate(layout.layerBytes());
    key = part(segment, "key", 0, layout.keyScaleOffset());
    value = part(segment, "value", layout.valueOffset(), layout.valueScaleOffset());
  }

  private Part part(MemorySegment segment, String what, long offset, long scaleOffset) {
    String name = "kv." + layer + "." + what;
    DType dtype = layout.dtype().dtype();
    Shape shape = Shape.of(layout.rows(), layout.heads(), layout.headDim());
    Tensor elements =
        new Tensor(name, dtype, shape, segment.asSlice(offset, dtype.bytes(layout.elements())));
    if (layout.dtype() != KvDtype.INT8) {
      return new Part(elements, null);
    }
    Shape scales = Shape.of(layout.rows(), layout.heads());
    return new Part(
        elements,
        new Tensor(
            name + ".scales",
            DType.F32,
            scales,
            segment.asSlice(scaleOffset, DType.F32.bytes(scales.elements()))));
  }

  int layer() {
    return layer;
  }

  /** Keeps all rows. */
  void put(Compute compute, Tensor freshKey, Tensor freshValue) {
    put(compute, key, freshKey);
    put(compute, value, freshValue);
  }

  private static void put(Compute compute, Part part, Tensor fresh) {
    if (part.scales == null) {
      Narrow.forward(compute, part.elements, fresh);
    } else {
      Int8Rows.quantize(compute, part.elements, part.scales, fresh);
    }
  }

  /** Keeps some rows: {@code fresh} row i goes to row {@code rows[i]}. */
  void put(Compute compute, int[] rows, Tensor freshKey, Tensor freshValue, Tensor scratch) {
    put(compute, key, rows, freshKey, scratch);
    put(compute, value, rows, freshValue, scratch);
  }

  private static void put(Compute compute, Part part, int[] rows, Tensor fresh, Tensor scratch) {
    Part compact = compact(part, rows.length, scratch);
    put(compute, compact, fresh);
    Rows.scatter(compute, part.elements, rows, compact.elements);
    if (part.scales != null) {
      Rows.scatter(compute, part.scales, rows, compact.scales);
    }
  }

  /** The kept rows as F32 {@code [R, H, d]} in {@code out}. */
  void widenKey(Compute compute, Tensor out) {
    widen(compute, key, out);
  }

  /** The kept rows as F32 {@code [R, H, d]} in {@code out}. */
  void widenValue(Compute compute, Tensor out) {
    widen(compute, value, out);
  }

  private static void widen(Compute compute, Part part, Tensor out) {
    if (part.scales == null) {
      Widen.forward(compute, out, part.elements);
    } else {
      Int8Rows.dequantize(compute, out, part.elements, part.scales);
    }
  }

  /** Some kept rows as F32 in {@code out}. */
  void widenKey(Compute compute, int[] rows, Tensor out, Tensor scratch) {
    widen(compute, key, rows, out, scratch);
  }

  /** Some kept rows as F32 in {@code out}. */
  void widenValue(Compute compute, int[] rows, Tensor out, Tensor scratch) {
    widen(compute, value, rows, out, scratch);
  }

  private static void widen(Compute compute, Part part, int[] rows, Tensor out, Tensor scratch) {
    Part compact = compact(part, rows.length, scratch);
    Rows.gather(compute, compact.elements, part.elements, rows);
    if (part.scales != null) {
      Rows.gather(compute, compact.scales, part.scales, rows);
    }
    widen(compute, compact, out);
  }

  /**
   * Room for {@code rows} rows of the kind of {@code part}, in memory of as many F32 rows and their
   * scales.
   */
  private static Part compact(Part part, int rows, Tensor scratch) {
    Tensor elements = part.elements;
    DType dtype = elements.dtype();
    Shape shape = Shape.of(rows, elements.dim(1), elements.dim(2));
    long bytes = dtype.bytes(shape.elements());
    Tensor compact = new Tensor(elements.name(), dtype, shape, scratch.segment().asSlice(0, bytes));
    if (part.scales == null) {
      return new Part(compact, null);
    }
    Shape scales = Shape.of(rows, elements.dim(1));
    long from = (bytes + Float.BYTES - 1) / Float.BYTES * Float.BYTES;
    return new Part(
        compact,
        new Tensor(
            part.scales.name(),
            DType.F32,
            scales,
            scratch.segment().asSlice(from, DType.F32.bytes(scales.elements()))));
  }

  /**
   * What attention reads: the kept rows where it reads their type, else F32 copies.
   *
   * @param keyScratch F32 {@code [R, H, d]}
   * @param valueScratch F32 {@code [R, H, d]}
   */
  KeyValue keyValue(Compute compute, Tensor keyScratch, Tensor valueScratch) {
    if (key.scales == null) {
      return new KeyValue(key.elements, value.elements);
    }
    widen(compute, key, keyScratch);
    widen(compute, value, valueScratch);
    return new KeyValue(keyScratch, valueScratch);
  }
}
