package inkstone.model.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** What the figures were measured on. */
public final class BenchMachine {
  private static final Path CPU = Path.of("/proc/cpuinfo");
  private static final Path STATUS = Path.of("/proc/self/status");

  private BenchMachine() {}

  /** Name of the processor; its architecture where the system does not tell. */
  public static String cpu() {
    String model = field(CPU, "model name");
    return model == null ? System.getProperty("os.arch") : model;
  }

  /** Processors for this process. */
  public static int cores() {
    return Runtime.getRuntime().availableProcessors();
  }

  public static String jdk() {
    return System.getProperty("java.vm.name") + " " + Runtime.version();
  }

  /**
   * Most memory that this process ever had resident, mapped files included; 0 where the system does
   * not tell.
   */
  public static long peakResidentBytes() {
    String kilobytes = field(STATUS, "VmHWM");
    return kilobytes == null ? 0 : 1024 * Long.parseLong(kilobytes.replaceAll("\\D", ""));
  }

  /** The value of the first line {@code name : value}, or null. */
  private static String field(Path file, String name) {
    List<String> lines;
    try {
      lines = Files.readAllLines(file);
    } catch (IOException e) {
      return null;
    }
    for (String line : lines) {
      int colon = line.indexOf(':');
      if (colon > 0 && line.substring(0, colon).strip().equals(name)) {
        return line.substring(colon + 1).strip();
      }
    }
    return null;
  }
}
