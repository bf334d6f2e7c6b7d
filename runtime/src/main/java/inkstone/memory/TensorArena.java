package inkstone.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.util.ArrayList;
import java.util.List;

/**
 * A scope of off-heap memory with byte accounting. Closing it frees everything at once; memory of a
 * closed arena gives an {@link IllegalStateException}. Child arenas count towards their parents and
 * are closed with them.
 *
 * <p>It never shares memory between allocations and does not reuse freed memory: short-lived
 * scratch belongs in a child that is closed when the work is done. Allocation is thread-safe;
 * closing while a kernel still runs is the caller's mistake, prevented by the pipelines, which run
 * one job at a time.
 */
public final class TensorArena implements AutoCloseable {
  private final String name;
  private final TensorArena parent;
  private final long limitBytes;
  private final boolean backed;
  private final Arena arena = Arena.ofShared();
  private final List<TensorArena> children = new ArrayList<>();
  private final List<Long> regions = new ArrayList<>();
  private long ownBytes;
  private long allocatedBytes;
  private long peakBytes;
  private boolean closed;

  private TensorArena(String name, TensorArena parent, long limitBytes, boolean backed) {
    this.name = name;
    this.parent = parent;
    this.limitBytes = limitBytes;
    this.backed = backed;
  }

  /** A root arena without a limit. */
  public static TensorArena open(String name) {
    return new TensorArena(name, null, Long.MAX_VALUE, true);
  }

  /** A root arena that refuses to grow beyond {@code limitBytes}, its children included. */
  public static TensorArena open(String name, long limitBytes) {
    return new TensorArena(name, null, limitBytes, true);
  }

  /**
   * A root arena that counts what is asked of it and gives {@link Unbacked} segments: it tells what
   * code will take by running its allocations. Files are mapped as usual.
   */
  public static TensorArena counting(String name) {
    return new TensorArena(name, null, Long.MAX_VALUE, false);
  }

  /** False where segments have no memory behind them, see {@link #counting}. */
  public boolean backed() {
    return backed;
  }

  /** An arena whose bytes count here too and which closes with this one. */
  public TensorArena child(String childName) {
    synchronized (this) {
      requireOpen();
      TensorArena child = new TensorArena(name + "/" + childName, this, Long.MAX_VALUE, backed);
      children.add(child);
      return child;
    }
  }

  /** Zeroed memory that starts on a cache line. */
  public MemorySegment allocate(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException(
          "TensorArena.allocate: size is " + bytes + " bytes, expected 0 or more");
    }
    requireOpen();
    reserve(bytes);
    if (!backed) {
      synchronized (this) {
        ownBytes += bytes;
      }
      return Unbacked.segment(bytes);
    }
    MemorySegment segment;
    try {
      segment = arena.allocate(bytes, Alignment.CACHE_LINE);
    } catch (OutOfMemoryError e) {
      release(bytes);
      throw new IllegalStateException(
          "TensorArena.allocate: "
              + name
              + " got no "
              + bytes
              + " bytes from the system; use a smaller size",
          e);
    } catch (IllegalStateException | IllegalArgumentException e) { // closed meanwhile, or too large
      release(bytes);
      throw e;
    }
    track(segment, bytes);
    return segment;
  }

  /** Maps part of a file read-only. Mapped bytes are not counted: they belong to the page cache. */
  public MemorySegment map(FileChannel channel, long offset, long bytes) throws IOException {
    requireOpen();
    MemorySegment segment = channel.map(FileChannel.MapMode.READ_ONLY, offset, bytes, arena);
    track(segment, 0);
    return segment;
  }

  /** Bytes in use now, children included. */
  public synchronized long allocatedBytes() {
    return allocatedBytes;
  }

  /** Most bytes ever in use at once, children included. */
  public synchronized long peakBytes() {
    return peakBytes;
  }

  public String name() {
    return name;
  }

  public synchronized boolean isClosed() {
    return closed;
  }

  @Override
  public void close() {
    List<TensorArena> open;
    synchronized (this) {
      if (closed) {
        return;
      }
      closed = true;
      open = List.copyOf(children);
      children.clear();
    }
    open.forEach(TensorArena::close);
    regions.forEach(LiveRegions::remove);
    arena.close();
    release(ownBytes);
    if (parent != null) {
      parent.forget(this);
    }
  }

  private synchronized void forget(TensorArena child) {
    children.remove(child);
  }

  private synchronized void requireOpen() {
    if (closed) {
      throw new IllegalStateException(
          "TensorArena: " + name + " is closed; open a new arena for new work");
    }
  }

  private void reserve(long bytes) {
    if (parent != null) {
      parent.reserve(bytes);
    }
    synchronized (this) {
      if (bytes > limitBytes - allocatedBytes) {
        if (parent != null) {
          parent.release(bytes);
        }
        throw new IllegalStateException(
            "TensorArena.allocate: "
                + name
                + " is limited to "
                + limitBytes
                + " bytes, has "
                + allocatedBytes
                + " in use and got a request for "
                + bytes
                + "; use a smaller size or raise the limit");
      }
      allocatedBytes += bytes;
      peakBytes = Math.max(peakBytes, allocatedBytes);
    }
  }

  private void release(long bytes) {
    synchronized (this) {
      allocatedBytes -= bytes;
    }
    if (parent != null) {
      parent.release(bytes);
    }
  }

  private synchronized void track(MemorySegment segment, long bytes) {
    ownBytes += bytes;
    LiveRegions.add(segment.address(), segment.byteSize());
    if (AddressSpace.CHECKED) {
      regions.add(segment.address());
    }
  }
}
