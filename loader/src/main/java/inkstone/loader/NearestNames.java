package inkstone.loader;

import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** Suggestions for a missing tensor: the names that share most of their start and end with it. */
final class NearestNames {
  private static final int SHOWN = 3;

  private NearestNames() {}

  /** Linear in the total length of all names, so that a hostile file cannot make it slow. */
  static String describe(String missing, Set<String> names) {
    if (names.isEmpty()) {
      return "none: the checkpoint holds no tensor";
    }
    List<String> nearest =
        names.stream()
            .map(name -> new Scored(name, likeness(missing, name)))
            .sorted(Comparator.comparingInt(Scored::likeness).reversed())
            .limit(SHOWN)
            .map(Scored::name)
            .toList();
    return nearest.stream().map(CheckpointException::quote).collect(Collectors.joining(", "));
  }

  private static int likeness(String a, String b) {
    int shorter = Math.min(a.length(), b.length());
    int start = 0;
    while (start < shorter && a.charAt(start) == b.charAt(start)) {
      start++;
    }
    int end = 0;
    while (end < shorter - start
        && a.charAt(a.length() - 1 - end) == b.charAt(b.length() - 1 - end)) {
      end++;
    }
    return 2 * (start + end) - Math.max(a.length(), b.length());
  }

  private record Scored(String name, int likeness) {}
}
