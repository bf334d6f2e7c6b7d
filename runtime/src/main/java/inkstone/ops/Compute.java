package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.kernel.KernelProvider;
import inkstone.kernel.Kernels;
import inkstone.kernel.ScalarKernels;
import inkstone.memory.Alignment;
import inkstone.memory.TensorArena;
import inkstone.parallel.WorkerPool;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.EnumMap;
import java.util.Map;

/**
 * Kernels, worker pool and scratch memory: what every op needs. It runs one op at a time: one
 * caller, who may be any thread. Scratch grows to what the largest op so far needed.
 */
public final class Compute implements AutoCloseable {
  /** What a piece of scratch is for; each has its own memory. */
  enum Slot {
    WORKERS,
    PACKED,
    FIRST_PARAMETER,
    SECOND_PARAMETER,
    SUMS
  }

  private record Scratch(TensorArena arena, MemorySegment segment) {}

  private final Kernels kernels;
  private final WorkerPool pool;
  private final TensorArena arena = TensorArena.open("compute");
  private final Map<Slot, Scratch> scratch = new EnumMap<>(Slot.class);
  private long workerStride;

  private Compute(int threads, Kernels kernels) {
    this.kernels = kernels;
    this.pool = new WorkerPool(threads);
  }

  /** Kernels of {@link KernelProvider}'s choice on {@code threads} threads, the caller included. */
  public static Compute open(int threads) {
    return new Compute(threads, KernelProvider.best());
  }

  /** Plain loops on one thread: the truth that a measurement compares a sample with. */
  public static Compute scalar() {
    return new Compute(1, new ScalarKernels());
  }

  /** Given kernels; tests run the scalar twin this way. */
  public static Compute open(int threads, Kernels kernels) {
    return new Compute(threads, kernels);
  }

  public int threads() {
    return pool.threads();
  }

  /** Kernels and threads, for logs. */
  public String describe() {
    return describeKernels() + ", " + threads() + (threads() == 1 ? " thread" : " threads");
  }

  /** Kernels and their width, on which the bits of results depend. */
  public String describeKernels() {
    return kernels.describe();
  }

  /** Bytes of scratch held now. */
  public long scratchBytes() {
    return arena.allocatedBytes();
  }

  Kernels kernels() {
    return kernels;
  }

  void forRange(long n, long granule, WorkerPool.RangeBody body) {
    pool.forRange(n, granule, body);
  }

  /** Grows the workers' scratch to {@code bytes} each; call before {@link #forRange}. */
  void reserveWorkers(long bytes) {
    long stride = stride(bytes);
    if (stride > workerStride) {
      workerStride = 0;
      scratch(Slot.WORKERS, workersBytes(bytes));
      workerStride = stride;
    }
  }

  /** Bytes that {@link #reserveWorkers} takes for all of them. */
  long workersBytes(long bytes) {
    return Math.multiplyExact(stride(bytes), (long) threads());
  }

  private static long stride(long bytes) {
    return Alignment.up(Math.max(bytes, 1), Alignment.CACHE_LINE);
  }

  /** Scratch of one worker, as large as the last {@link #reserveWorkers} asked. */
  long workerScratch(int worker) {
    return scratch.get(Slot.WORKERS).segment.address() + worker * workerStride;
  }

  /** Address of at least {@code bytes} of scratch; earlier contents are lost when it grows. */
  long scratch(Slot slot, long bytes) {
    return segment(slot, bytes).address();
  }

  /** As {@link #scratch}, for Java code that fills it. */
  MemorySegment segment(Slot slot, long bytes) {
    Scratch held = scratch.get(slot);
    if (held == null || held.segment.byteSize() < bytes) {
      if (held != null) {
        // Forgotten first: should the larger one not be had, nobody may find freed memory here.
        scratch.remove(slot);
        held.arena.close();
      }
      TensorArena grown = arena.child(slot.name());
      held = new Scratch(grown, grown.allocate(Math.max(bytes, 4096)));
      scratch.put(slot, held);
    }
    return held.segment;
  }

  /**
   * Address of a parameter as F32: its own, or a widened and scaled copy in {@code slot}; 0 for
   * null.
   */
  long floats(Slot slot, String op, String role, Tensor t) {
    if (t == null) {
      return 0;
    }
    ElementType type = Check.type(op, role, t);
    if (type == ElementType.F32 && t.scale() == 1) {
      return t.address();
    }
    long address = scratch(slot, 4 * t.elements());
    kernels.widen(address, t.address(), type, t.scale(), t.elements());
    return address;
  }

  @Override
  public void close() {
    pool.close();
    arena.close();
  }
}
