package inkstone.model.pipeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/** Compares what a run will need with what the machine can still give, before the run. */
final class MemoryCheck {
  /** Below this nobody asks: starting the management beans would cost more than the check. */
  private static final long ALWAYS_FITS_BYTES = 256L << 20;

  private MemoryCheck() {}

  /** How many bytes are lacking; 0 when {@code neededBytes} will fit. */
  static long missingBytes(long neededBytes) {
    return neededBytes <= ALWAYS_FITS_BYTES ? 0 : Math.max(0, neededBytes - availableBytes());
  }

  /** Throws when {@code neededBytes} exceed what is available. */
  static void require(long neededBytes, String what) {
    if (neededBytes <= ALWAYS_FITS_BYTES) {
      return;
    }
    long available = availableBytes();
    if (neededBytes > available) {
      throw new InsufficientMemoryException(
          String.format(
              Locale.ROOT,
              "memory: %s needs about %.1f GiB, %.1f GiB are available; use a smaller size, fewer"
                  + " references or --vae-tiling on",
              what,
              neededBytes / (double) (1L << 30),
              available / (double) (1L << 30)));
    }
  }

  /**
   * Bytes that can be had beside {@code neededBytes}.
   *
   * @param wantedBytes most that the caller would take; when they surely fit nobody asks further
   */
  static long spareBytes(long neededBytes, long wantedBytes) {
    return neededBytes + wantedBytes <= ALWAYS_FITS_BYTES
        ? wantedBytes
        : availableBytes() - neededBytes;
  }

  /** Bytes that new allocations can get without swapping; the page cache counts as free. */
  static long availableBytes() {
    Path meminfo = Path.of("/proc/meminfo");
    if (Files.isReadable(meminfo)) {
      try {
        for (String line : Files.readAllLines(meminfo)) {
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
