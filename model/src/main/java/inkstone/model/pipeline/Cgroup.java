package inkstone.model.pipeline;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * What the control groups of this process, as containers set them, still allow: version 2 ({@code
 * memory.max}) and version 1 ({@code memory.limit_in_bytes}). The page cache is given back when it
 * is short, so only anonymous memory counts as used.
 */
final class Cgroup {
  private static final Path ROOT = Path.of("/sys/fs/cgroup");
  private static final Path SELF = Path.of("/proc/self/cgroup");

  private Cgroup() {}

  /** Bytes that may still be taken; {@link Long#MAX_VALUE} without a limit. */
  static long availableBytes() {
    return availableBytes(ROOT, SELF);
  }

  /**
   * The same of other files.
   *
   * @param root where the groups are mounted
   * @param self lists the groups of the process, a line a hierarchy: {@code 0::/path}
   */
  static long availableBytes(Path root, Path self) {
    long available = Long.MAX_VALUE;
    for (String line : lines(self)) {
      String[] fields = line.split(":", 3);
      if (fields.length < 3) {
        continue;
      }
      boolean second = fields[1].isEmpty();
      if (second) {
        available = Math.min(available, upwards(root, fields[2], "memory.max", "anon"));
      } else if (List.of(fields[1].split(",")).contains("memory")) {
        Path mount = root.resolve("memory");
        available =
            Math.min(available, upwards(mount, fields[2], "memory.limit_in_bytes", "total_rss"));
      }
    }
    return available;
  }

  /** The tightest limit from a group up to the root; inside a container only the root is seen. */
  private static long upwards(Path mount, String group, String limitFile, String used) {
    Path at = mount.resolve(group.replaceFirst("^/+", "")).normalize();
    long available = Long.MAX_VALUE;
    while (at != null && at.startsWith(mount)) {
      available = Math.min(available, left(at, limitFile, used));
      at = at.getParent();
    }
    return available;
  }

  private static long left(Path group, String limitFile, String used) {
    long limit = Long.MAX_VALUE;
    for (String line : lines(group.resolve(limitFile))) {
      if (line.strip().matches("\\d{1,18}")) {
        limit = Long.parseLong(line.strip());
      }
    }
    if (limit == Long.MAX_VALUE) {
      return limit;
    }
    for (String line : lines(group.resolve("memory.stat"))) {
      String[] words = line.split(" ");
      if (words.length == 2 && words[0].equals(used) && words[1].matches("\\d{1,18}")) {
        return Math.max(0, limit - Long.parseLong(words[1]));
      }
    }
    return limit;
  }

  private static List<String> lines(Path file) {
    try {
      return Files.isRegularFile(file) ? Files.readAllLines(file) : List.of();
    } catch (IOException e) {
      return List.of();
    }
  }
}
