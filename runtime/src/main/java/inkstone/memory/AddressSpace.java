package inkstone.memory;

import java.lang.foreign.MemorySegment;

/**
 * The only raw-address code of the project. Kernels read and write through {@link #ALL}, one
 * constant segment over the whole address space, because C2 then emits plain loads without a bounds
 * check or a liveness check.
 *
 * <p>With {@code -Dinkstone.memory.checked=true} (a second test run uses it) every access of a
 * kernel is first looked up among the live regions, so that an overrun fails a test instead of a
 * user's machine.
 */
public final class AddressSpace {
  /**
   * Every kernel access is checked against the live regions; constant, so that it costs nothing
   * when off.
   */
  public static final boolean CHECKED = Boolean.getBoolean("inkstone.memory.checked");

  /** The whole address space. Valid only for addresses inside regions that are alive. */
  public static final MemorySegment ALL = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private AddressSpace() {}

  /**
   * Native address of a live segment. Throws {@link IllegalStateException} when its arena is
   * closed.
   */
  public static long address(MemorySegment segment) {
    if (!segment.isNative()) {
      throw new IllegalArgumentException(
          "AddressSpace.address: segment is on the heap, expected native memory");
    }
    if (!segment.scope().isAlive()) {
      throw new IllegalStateException(
          "AddressSpace.address: the arena of this memory is closed; open a new one");
    }
    return segment.address();
  }

  /**
   * In checked mode, fails when {@code [address, address + bytes)} is not inside one live region.
   */
  public static void check(long address, long bytes) {
    if (CHECKED) {
      LiveRegions.check(address, bytes);
    }
  }
}
