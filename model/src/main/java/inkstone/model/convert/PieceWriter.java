package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.write.OutputException;
import inkstone.loader.write.TensorWriter;
import inkstone.memory.TensorArena;
import inkstone.parallel.WorkerPool;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/** Turns one tensor after the other into bytes, slice by slice, on all threads of a pool. */
final class PieceWriter {
  /** Elements between two looks at the cancel switch, and of memory that is needed. */
  private static final int SLICE = 1 << 22;

  /** Elements that a thread reads and writes at once: whole blocks of every type. */
  private static final int RUN = 1 << 14;

  private final WorkerPool pool;
  private final MemorySegment slice;
  private final float[][] floats;
  private final byte[][] bytes;
  private final BooleanSupplier cancelled;

  PieceWriter(WorkerPool pool, TensorArena arena, BooleanSupplier cancelled) {
    this.pool = pool;
    this.slice = arena.allocate(4L * SLICE);
    this.floats = new float[pool.threads()][RUN];
    this.bytes = new byte[pool.threads()][4 * RUN];
    this.cancelled = cancelled;
  }

  void write(Piece piece, TensorWriter out) throws CheckpointException, OutputException {
    Tensor source = piece.source();
    DType type = piece.dtype();
    boolean verbatim = piece.isCopy() && !isPlain(type);
    FloatWriter[] writers = new FloatWriter[verbatim ? 0 : pool.threads()];
    Arrays.setAll(writers, _ -> new FloatWriter(type));
    for (long from = 0; from < source.elements(); from += SLICE) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException();
      }
      long n = Math.min(SLICE, source.elements() - from);
      if (verbatim) {
        out.write(source.segment().asSlice(type.bytes(from), type.bytes(n)));
        continue;
      }
      long start = from;
      try {
        pool.forRange(
            n,
            RUN,
            (worker, first, last) -> {
              for (long at = first; at < last; at += RUN) {
                int run = (int) Math.min(RUN, last - at);
                FloatReader.read(source, start + at, run, floats[worker]);
                writers[worker].write(floats[worker], run, bytes[worker]);
                MemorySegment.copy(
                    MemorySegment.ofArray(bytes[worker]),
                    0,
                    slice,
                    type.bytes(at),
                    type.bytes(run));
              }
            });
      } catch (ArithmeticException e) {
        throw unfit(piece, e);
      }
      out.write(slice.asSlice(0, type.bytes(n)));
    }
  }

  /** Plain floats are looked at even when they are only copied: NaN is never passed on. */
  private static boolean isPlain(DType type) {
    return type == DType.F32 || type == DType.BF16 || type == DType.F16;
  }

  private static CheckpointException unfit(Piece piece, ArithmeticException cause) {
    boolean exceeds = cause.getMessage().contains("exceeds");
    return CheckpointException.of(
        "convert: tensor "
            + CheckpointException.quote(piece.source().name())
            + " to "
            + TypeNames.of(piece.dtype())
            + ": "
            + cause.getMessage(),
        piece.where(),
        exceeds
            ? "give it a wider type: --rules '" + piece.name() + "=f32'"
            : "the weights are damaged: download them again");
  }
}
