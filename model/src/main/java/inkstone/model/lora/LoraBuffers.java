package inkstone.model.lora;

import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.ops.Elementwise;
import inkstone.tensor.Tensor;
import java.util.Arrays;

/**
 * Memory for the products of a run's adapters, made once for the run. One layer uses it at a time.
 */
public final class LoraBuffers {
  private final Tensor low; // [rows · perRow]
  private final Tensor chunkDown; // [chunk]
  private final Tensor chunkUp; // [chunk]
  private final Tensor mid; // [mid]
  private final Tensor ones; // [out]
  private final Tensor gate; // [out]

  /**
   * Takes {@link LoraNeeds#bytes} from the arena; nothing without adapters.
   *
   * @param rows most rows that a layer gets
   */
  public LoraBuffers(TensorArena arena, LoraNeeds needs, long rows) {
    if (needs.equals(LoraNeeds.NONE)) {
      low = chunkDown = chunkUp = mid = ones = gate = null;
      return;
    }
    low = Tensor.f32(arena, "LoraBuffers.low", Math.multiplyExact(rows, needs.perRow()));
    chunkDown = Tensor.f32(arena, "LoraBuffers.chunkDown", needs.chunk());
    chunkUp = Tensor.f32(arena, "LoraBuffers.chunkUp", needs.chunk());
    mid = Tensor.f32(arena, "LoraBuffers.mid", needs.mid());
    ones = Tensor.f32(arena, "LoraBuffers.ones", needs.out());
    gate = Tensor.f32(arena, "LoraBuffers.gate", needs.out());
    float[] values = new float[Math.toIntExact(needs.out())];
    Arrays.fill(values, 1);
    ones.copyFrom(values);
  }

  /** {@code [rows, width]}. */
  Tensor low(long rows, long width) {
    return view(low, rows, width);
  }

  Tensor chunkDown(long rows, long width) {
    return view(chunkDown, rows, width);
  }

  Tensor chunkUp(long rows, long width) {
    return view(chunkUp, rows, width);
  }

  Tensor mid(long rows, long width) {
    return view(mid, rows, width);
  }

  /** What is left of {@link #mid} behind {@code floats} of it. */
  Tensor midBehind(long floats, long rows, long width) {
    return mid.rows(floats, floats + rows * width).view(rows, width);
  }

  private static Tensor view(Tensor flat, long rows, long width) {
    return flat.rows(0, rows * width).view(rows, width);
  }

  /**
   * {@code scale · gate}.
   *
   * @param wanted {@code [out]}, or null for ones
   */
  Tensor gate(Compute compute, Tensor wanted, long out, float scale) {
    Tensor scaled = gate.rows(0, out);
    Elementwise.scale(compute, scaled, wanted == null ? ones.rows(0, out) : wanted, scale);
    return scaled;
  }
}
