package inkstone.model.pipeline;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Hands what is no tensor to taps as one. */
final class TapValues {
  private TapValues() {}

  /** U8 [H, W, 3]. */
  static void picture(TensorArena arena, Taps taps, String key, Image image) {
    try (TensorArena scratch = arena.child("tap")) {
      Tensor pixels =
          Tensor.allocate(scratch, key, DType.U8, Shape.of(image.height(), image.width(), 3));
      MemorySegment.copy(
          image.rgb(), 0, pixels.segment(), ValueLayout.JAVA_BYTE, 0, image.rgb().length);
      taps.tap(key, pixels);
    }
  }

  /** I32 [tokens]. */
  static void ids(TensorArena arena, Taps taps, String key, int[] ids) {
    try (TensorArena scratch = arena.child("tap")) {
      Tensor tokens = Tensor.allocate(scratch, key, DType.I32, Shape.of(ids.length));
      MemorySegment.copy(ids, 0, tokens.segment(), ValueLayout.JAVA_INT_UNALIGNED, 0, ids.length);
      taps.tap(key, tokens);
    }
  }

  /** F32 [n]. */
  static void floats(TensorArena arena, Taps taps, String key, float[] values) {
    try (TensorArena scratch = arena.child("tap")) {
      taps.tap(key, Tensor.of(scratch, key, values, values.length));
    }
  }
}
