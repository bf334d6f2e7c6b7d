package inkstone.memory;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * Segments of any size with no memory behind them, for running the shapes of a computation without
 * its numbers. They behave as memory of a closed arena: each access throws an {@link
 * IllegalStateException}.
 */
public final class Unbacked {
  private static final MemorySegment NOTHING = closed();

  private Unbacked() {}

  /** A segment of that many bytes. */
  public static MemorySegment segment(long bytes) {
    return NOTHING.asSlice(0, bytes);
  }

  private static MemorySegment closed() {
    try (Arena arena = Arena.ofShared()) {
      return MemorySegment.NULL.reinterpret(Long.MAX_VALUE, arena, null);
    }
  }
}
