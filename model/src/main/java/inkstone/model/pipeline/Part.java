package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import java.util.function.Function;

/**
 * A part of the model whose weights are mapped while somebody uses it, and stay mapped when memory
 * suffices for all parts.
 *
 * @param <T> the network
 */
final class Part<T> implements AutoCloseable {
  /** Makes the network from its files. */
  @FunctionalInterface
  interface Builder<T> {
    T build(TensorArena arena) throws CheckpointException;
  }

  private final TensorArena parent;
  private final String name;
  private final boolean kept;
  private final Builder<T> builder;
  private TensorArena arena;
  private T value;
  private int users;
  private long copiedBytes;

  /**
   * Opens the part once, so that an unfit file is found before any work; where nothing stays
   * mapped, without reading a number.
   *
   * @param parent what the part's own arena counts towards
   * @param kept whether the weights stay mapped between uses
   */
  Part(TensorArena parent, String name, boolean kept, Builder<T> builder)
      throws CheckpointException {
    this.parent = parent;
    this.name = name;
    this.kept = kept;
    this.builder = builder;
    if (kept) {
      open();
    } else {
      answer(network -> network);
    }
  }

  /**
   * What the network says of itself without a number of its weights, such as how many bytes it
   * would take. It need not be open, and is not opened for good.
   */
  synchronized <R> R ask(Function<T, R> question) {
    try {
      return value != null ? question.apply(value) : answer(question);
    } catch (CheckpointException e) {
      throw new UnfitModelException(e.getMessage(), e);
    }
  }

  private <R> R answer(Function<T, R> question) throws CheckpointException {
    try (TensorArena counting = TensorArena.counting(name)) {
      T shapes = builder.build(counting);
      copiedBytes = counting.allocatedBytes();
      return question.apply(shapes);
    }
  }

  /** Bytes of weights that the open network lays out anew. */
  synchronized long copiedBytes() {
    return copiedBytes;
  }

  /** Whether the weights stay mapped between uses. */
  boolean kept() {
    return kept;
  }

  /** The network, until {@link #release}. */
  synchronized T acquire() {
    if (value == null) {
      try {
        open();
      } catch (CheckpointException e) {
        throw new UnfitModelException(e.getMessage(), e);
      }
    }
    users++;
    return value;
  }

  /** Ends one {@link #acquire}; the last one unmaps the weights unless they are kept. */
  synchronized void release() {
    users--;
    if (users == 0 && !kept) {
      close();
    }
  }

  private void open() throws CheckpointException {
    arena = parent.child(name);
    try {
      value = builder.build(arena);
      copiedBytes = arena.allocatedBytes();
    } finally {
      if (value == null) {
        arena.close();
      }
    }
  }

  /** Unmaps the weights. */
  @Override
  public synchronized void close() {
    value = null;
    if (arena != null) {
      arena.close();
    }
  }
}
