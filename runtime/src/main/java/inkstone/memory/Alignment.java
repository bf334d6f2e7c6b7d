package inkstone.memory;

/** Alignment arithmetic in bytes. */
public final class Alignment {
  /** A cache line, which is also the widest vector: every allocation starts on one. */
  public static final long CACHE_LINE = 64;

  private Alignment() {}

  /** Smallest multiple of {@code alignment} (a power of two) that is not below {@code bytes}. */
  public static long up(long bytes, long alignment) {
    return Math.addExact(bytes, alignment - 1) & -alignment;
  }
}
