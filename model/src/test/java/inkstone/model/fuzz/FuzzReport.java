package inkstone.model.fuzz;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;

/** Counts of a run, its extremes, and what failed. */
final class FuzzReport {
  private static final int SHOWN = 20;

  private static final class Counts {
    int opened;
    int refused;
    long nanos;
  }

  private final SortedMap<String, Counts> kinds = new TreeMap<>();
  private final List<String> failures = new ArrayList<>();
  private String slowest = "none";
  private long slowestNanos;
  private String largest = "none";
  private long largestBytes;

  void add(String kind, int number, Fuzzer.Verdict verdict) {
    Counts counts = kinds.computeIfAbsent(kind, k -> new Counts());
    counts.opened += verdict.opened() ? 1 : 0;
    counts.refused += verdict.opened() ? 0 : 1;
    counts.nanos += verdict.nanos();
    if (verdict.nanos() > slowestNanos) {
      slowestNanos = verdict.nanos();
      slowest = number + " (" + kind + ")";
    }
    if (verdict.allocated() > largestBytes) {
      largestBytes = verdict.allocated();
      largest = number + " (" + kind + ")";
    }
  }

  void fail(String what) {
    failures.add(what);
  }

  boolean failed() {
    return !failures.isEmpty();
  }

  void print(PrintStream out) {
    out.printf("%-28s %8s %8s %8s%n", "kind", "opened", "refused", "ms each");
    kinds.forEach((kind, counts) ->
        out.printf(
            "%-28s %8d %8d %8.2f%n",
            kind,
            counts.opened,
            counts.refused,
            counts.nanos / 1e6 / (counts.opened + counts.refused)));
    out.printf("slowest mutant: %s, %.0f ms%n", slowest, slowestNanos / 1e6);
    out.printf("most heap allocated: mutant %s, %.1f MB%n", largest, largestBytes / 1048576.0);
    failures.stream().limit(SHOWN).forEach(out::println);
    out.printf("failures: %d%n", failures.size());
  }
}
