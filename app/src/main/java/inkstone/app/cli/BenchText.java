package inkstone.app.cli;

import inkstone.model.bench.BenchMachine;
import inkstone.model.bench.BenchResult;
import inkstone.model.bench.BenchSession;
import java.io.PrintStream;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The table of {@code bench} for a person. */
final class BenchText {
  private BenchText() {}

  static void machine(PrintStream out, BenchSession session) {
    out.println(
        BenchMachine.cpu()
            + ", "
            + BenchMachine.cores()
            + " processors, vectors of "
            + session.vectorBits()
            + " bits, "
            + BenchMachine.jdk());
  }

  static void heading(PrintStream out) {
    out.println(
        String.format(
            Locale.ROOT,
            "  %-8s %7s  %9s %9s %9s  %8s %7s  %7s  %s",
            "weights",
            "threads",
            "median",
            "min",
            "max",
            "GFLOP/s",
            "of peak",
            "GB/s",
            "beside F32"));
  }

  static void rows(PrintStream out, List<BenchResult> results) {
    out.println((results.getFirst().of().work().word() + " " + sizes(results.getFirst())).strip());
    for (BenchResult result : results) {
      Double ratio = BenchJson.ratioToF32(result, results);
      out.println(
          String.format(
                  Locale.ROOT,
                  "  %-8s %7d  %9s %9s %9s  %8s %7s  %7s  %s",
                  result.of().work().dtypes().size() > 1 ? result.of().dtype() : "",
                  result.of().threads(),
                  time(result.times().median()),
                  time(result.times().min()),
                  time(result.times().max()),
                  rate(result.flops() / 1e9),
                  result.flops() == 0
                      ? ""
                      : String.format(Locale.ROOT, "%.0f %%", 100 * result.peakShare()),
                  rate(result.bytesPerSecond() / 1e9),
                  ratio == null ? "" : String.format(Locale.ROOT, "%.2f times as fast", ratio))
              .stripTrailing());
      if (!result.parts().isEmpty()) {
        parts(out, result);
      }
      if (result.facts().mappedBytes() > 0) {
        out.println(
            String.format(
                Locale.ROOT,
                "    %.2f GB of weights mapped, at most %.2f GB resident",
                result.facts().mappedBytes() / 1e9,
                result.residentBytes() / 1e9));
      }
    }
    out.flush();
  }

  private static void parts(PrintStream out, BenchResult result) {
    for (BenchResult.Part part : result.parts()) {
      double median = part.times().median();
      out.println(
          String.format(
              Locale.ROOT,
              "    %-28s  %9s  %5.1f %%",
              part.name(),
              time(median),
              100 * median / result.partsSeconds()));
    }
    out.println(
        String.format(
            Locale.ROOT,
            "    %-28s  %9s; the whole takes %+.1f %%",
            "sum of the parts",
            time(result.partsSeconds()),
            100 * result.joiningShare()));
    out.println(
        String.format(
            Locale.ROOT,
            "    norms and RoPE: %.1f %% of the blocks (residuals and GELU are part of the products)",
            100 * result.glueShare()));
  }

  /** Empty where the work does none of it. */
  private static String rate(double value) {
    return value == 0 ? "" : String.format(Locale.ROOT, "%.1f", value);
  }

  private static String sizes(BenchResult result) {
    return result.of().sizes().entrySet().stream()
        .map(entry -> entry.getKey() + "=" + entry.getValue())
        .collect(Collectors.joining(" "));
  }

  static String time(double seconds) {
    return seconds < 1
        ? String.format(Locale.ROOT, "%.2f ms", 1e3 * seconds)
        : String.format(Locale.ROOT, "%.3f s", seconds);
  }
}
