package inkstone.model.pipeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/**
 * Compares what a run will need with what can still be had, before the run: of the machine, of the
 * container, and of what the user allows.
 */
final class MemoryCheck {
  /** Below this nobody asks: starting the management beans would cost more than the check. */
  private static final long ALWAYS_FITS_BYTES = 256L << 20;

  private static final Path MEMINFO = Path.of("/proc/meminfo");

  private final long maxRamBytes;

  /**
   * @param maxRamBytes most anonymous memory of this process, Java included; 0 for what there is
   */
  MemoryCheck(long maxRamBytes) {
    this.maxRamBytes = maxRamBytes;
  }

  /** How many bytes are lacking; 0 when {@code neededBytes} will fit. */
  long missingBytes(long neededBytes) {
    return alwaysFits(neededBytes) ? 0 : Math.max(0, neededBytes - availableBytes());
  }

  /** Throws when {@code neededBytes} exceed what is available. */
  void require(long neededBytes, String what) {
    require(neededBytes, what, "use a smaller size, fewer references or --vae-tiling on");
  }

  /**
   * The same with what would fit.
   *
   * @param advice what to do next
   */
  void require(long neededBytes, String what, String advice) {
    long missing = missingBytes(neededBytes);
    if (missing > 0) {
      throw new InsufficientMemoryException(
          String.format(
              Locale.ROOT,
              "memory: %s needs about %s, %s are available%s; %s",
              what,
              size(neededBytes),
              size(neededBytes - missing),
              maxRamBytes > 0 ? " within --max-ram" : "",
              advice));
    }
  }

  /** Bytes as people read them. */
  static String size(long bytes) {
    return bytes < 1L << 30
        ? String.format(Locale.ROOT, "%.1f MiB", Math.max(0, bytes) / (double) (1 << 20))
        : String.format(Locale.ROOT, "%.1f GiB", bytes / (double) (1L << 30));
  }

  /**
   * Bytes that can be had beside {@code neededBytes}.
   *
   * @param wantedBytes most that the caller would take; when they surely fit nobody asks further
   */
  long spareBytes(long neededBytes, long wantedBytes) {
    return alwaysFits(neededBytes + wantedBytes) ? wantedBytes : availableBytes() - neededBytes;
  }

  private boolean alwaysFits(long bytes) {
    return maxRamBytes == 0 && bytes <= ALWAYS_FITS_BYTES;
  }

  /**
   * Bytes that new allocations can get without swapping, within the container's limit and the
   * user's; the page cache counts as free.
   */
  long availableBytes() {
    long available = Math.min(ofMachine(), Cgroup.availableBytes());
    return maxRamBytes == 0
        ? available
        : Math.clamp(maxRamBytes - ProcessMemory.anonymousBytes(), 0, available);
  }

  private static long ofMachine() {
    if (Files.isReadable(MEMINFO)) {
      try {
        for (String line : Files.readAllLines(MEMINFO)) {
          if (line.startsWith("MemAvailable:")) {
            return Math.min(
                Long.parseLong(line.replaceAll("[^0-9]", "")) << 10, freeByManagementBean());
          }
        }
      } catch (IOException | NumberFormatException e) {
        return freeByManagementBean();
      }
    }
    return freeByManagementBean();
  }

  /** Respects a container's limit, but counts the page cache as used, so it is only a cap. */
  private static long freeByManagementBean() {
    var system = java.lang.management.ManagementFactory.getOperatingSystemMXBean();
    return system instanceof com.sun.management.OperatingSystemMXBean bean
        ? bean.getTotalMemorySize()
        : Long.MAX_VALUE;
  }
}
