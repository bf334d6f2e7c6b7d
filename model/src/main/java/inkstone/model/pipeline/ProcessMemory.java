package inkstone.model.pipeline;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.MemoryPoolMXBean;
import java.nio.file.Files;
import java.nio.file.Path;

/** What this process itself has in use. */
public final class ProcessMemory {
  private static final Path STATUS = Path.of("/proc/self/status");

  /** Code of the kernels, and what its compiler needs meanwhile; measured. */
  private static final long COMPILED_BYTES = 48L << 20;

  private ProcessMemory() {}

  /**
   * Resident anonymous bytes: Java's heap and code, and everything off the heap but mapped files.
   * Where the system does not tell, what Java tells of itself.
   */
  public static long anonymousBytes() {
    try {
      for (String line : Files.readAllLines(STATUS)) {
        if (line.startsWith("RssAnon:")) {
          return Long.parseLong(line.replaceAll("[^0-9]", "")) << 10;
        }
      }
    } catch (IOException | NumberFormatException e) {
      return ofJava();
    }
    return ofJava();
  }

  /**
   * The same once a run is under way: Java fills its young generation before it collects, and
   * compiles the kernels.
   */
  public static long anonymousBytesInRun() {
    long untouched = 0;
    for (MemoryPoolMXBean pool : ManagementFactory.getMemoryPoolMXBeans()) {
      if (pool.getName().contains("Eden")) {
        untouched += Math.max(0, pool.getUsage().getCommitted() - pool.getPeakUsage().getUsed());
      }
    }
    return anonymousBytes() + untouched + COMPILED_BYTES;
  }

  private static long ofJava() {
    var memory = ManagementFactory.getMemoryMXBean();
    return memory.getHeapMemoryUsage().getCommitted()
        + memory.getNonHeapMemoryUsage().getCommitted();
  }
}
