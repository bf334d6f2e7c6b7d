package inkstone.model.vae;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.IdentityHashMap;
import java.util.List;

/**
 * What every layer of one encode or decode needs: kernels, taps, and activations whose memory is
 * taken and given back layer by layer. Memory that was given back serves the next layers and tiles;
 * when none is large enough, all of it returns to the system before more is asked for, so that the
 * peak is what is alive at once. One pass runs on one thread.
 */
final class Pass implements AutoCloseable {
  private record Block(TensorArena arena, MemorySegment memory) {}

  private final Compute compute;
  private final Taps taps;
  private final TensorArena arena;
  private final List<Block> free = new ArrayList<>();
  private final IdentityHashMap<Tensor, Block> taken = new IdentityHashMap<>();

  Pass(Compute compute, TensorArena parent, String name, Taps taps) {
    this.compute = compute;
    this.taps = taps;
    this.arena = parent.child(name);
  }

  Compute compute() {
    return compute;
  }

  /** For what lives as long as the pass. */
  TensorArena arena() {
    return arena;
  }

  void tap(String key, Tensor value) {
    taps.tap(key, value);
  }

  void checkpoint() {
    taps.checkpoint();
  }

  /** An F32 tensor with undefined content, alive until it is given back. */
  Tensor take(String name, long... dims) {
    Shape shape = Shape.of(dims);
    long bytes = Math.multiplyExact(shape.elements(), (long) DType.F32.bytes());
    Block block = smallestFree(bytes);
    if (block == null) {
      free.forEach(unused -> unused.arena().close());
      free.clear();
      TensorArena own = arena.child(name);
      block = new Block(own, own.allocate(bytes));
    } else {
      free.remove(block);
    }
    Tensor tensor = new Tensor(name, DType.F32, shape, block.memory().asSlice(0, bytes));
    taken.put(tensor, block);
    return tensor;
  }

  /** Ends the life of a tensor that {@link #take} returned; its memory serves the next layers. */
  void give(Tensor tensor) {
    Block block = taken.remove(tensor);
    if (block == null) {
      throw new IllegalStateException(
          "Pass.give: " + tensor + " is not alive in this pass; give each taken tensor back once");
    }
    free.add(block);
  }

  private Block smallestFree(long bytes) {
    Block best = null;
    for (Block block : free) {
      long size = block.memory().byteSize();
      if (size >= bytes && (best == null || size < best.memory().byteSize())) {
        best = block;
      }
    }
    return best;
  }

  @Override
  public void close() {
    arena.close();
  }
}
