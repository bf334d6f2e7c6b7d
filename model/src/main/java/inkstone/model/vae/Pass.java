package inkstone.model.vae;

import inkstone.memory.TensorArena;
import inkstone.memory.Unbacked;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.IdentityHashMap;
import java.util.function.Consumer;

/**
 * What every layer of one encode or decode needs: kernels, taps, and activations that are taken and
 * given back layer by layer. A pass runs twice: first without numbers, which finds out what it
 * takes ({@link #plan}), then in one block of just that size. One pass runs on one thread.
 */
final class Pass implements AutoCloseable {
  private final Compute compute;
  private final Taps taps;
  private final TensorArena arena;
  private final MemoryPlan plan;
  private final MemorySegment memory;
  private final MemoryPlan.Recorder recorder; // null when numbers are computed
  private final IdentityHashMap<Tensor, Integer> taken = new IdentityHashMap<>();
  private int next;

  private Pass(
      Compute compute,
      Taps taps,
      TensorArena arena,
      MemoryPlan plan,
      MemorySegment memory,
      MemoryPlan.Recorder recorder) {
    this.compute = compute;
    this.taps = taps;
    this.arena = arena;
    this.plan = plan;
    this.memory = memory;
    this.recorder = recorder;
  }

  /** The memory that {@code layers} will take; {@link #run} does nothing in it. */
  static MemoryPlan plan(Consumer<Pass> layers) {
    var recorder = new MemoryPlan.Recorder();
    try (Pass dry = new Pass(null, Taps.NONE, null, null, null, recorder)) {
      layers.accept(dry);
    }
    return recorder.finish();
  }

  /** A pass in a child of {@code parent}, which receives one block as large as the plan says. */
  static Pass open(Compute compute, TensorArena parent, String name, Taps taps, MemoryPlan plan) {
    TensorArena arena = parent.child(name);
    return new Pass(compute, taps, arena, plan, arena.allocate(plan.bytes()), null);
  }

  /** A tensor of which a plan needs the shape only, since it belongs to the caller. */
  static Tensor shapeOnly(String name, long... dims) {
    Shape shape = Shape.of(dims);
    return new Tensor(name, DType.F32, shape, Unbacked.segment(bytes(shape)));
  }

  /** Computes something, unless this pass only plans. */
  void run(Consumer<Compute> op) {
    if (recorder == null) {
      op.accept(compute);
    }
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

  /** Begins the plan again, for the next tile, which may be smaller than the planned one. */
  void restart() {
    if (!taken.isEmpty()) {
      throw new IllegalStateException(
          "Pass.restart: " + taken.keySet() + " are alive; give each taken tensor back");
    }
    next = 0;
  }

  /** An F32 tensor with undefined content, alive until it is given back. */
  Tensor take(String name, long... dims) {
    Shape shape = Shape.of(dims);
    long bytes = bytes(shape);
    MemorySegment segment;
    if (recorder != null) {
      recorder.take(bytes);
      segment = Unbacked.segment(bytes);
    } else if (plan.fits(next, bytes)) {
      segment = memory.asSlice(plan.offset(next), bytes);
    } else {
      throw new IllegalStateException(
          "Pass.take: "
              + name
              + " "
              + shape
              + " is number "
              + next
              + " of the pass and not what the plan has there; plan with the layers that run");
    }
    Tensor tensor = new Tensor(name, DType.F32, shape, segment);
    taken.put(tensor, next++);
    return tensor;
  }

  /** Ends the life of a tensor that {@link #take} returned; its memory serves the next layers. */
  void give(Tensor tensor) {
    Integer index = taken.remove(tensor);
    if (index == null) {
      throw new IllegalStateException(
          "Pass.give: " + tensor + " is not alive in this pass; give each taken tensor back once");
    }
    if (recorder != null) {
      recorder.give(index);
    }
  }

  private static long bytes(Shape shape) {
    return DType.F32.bytes(shape.elements());
  }

  @Override
  public void close() {
    if (arena != null) {
      arena.close();
    }
  }
}
