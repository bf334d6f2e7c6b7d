package inkstone.app.cli;

import inkstone.model.pipeline.CacheStats;
import java.math.BigDecimal;
import java.math.MathContext;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** One line for a person about what the reference cache did. */
final class RefCacheLine {
  /** More refreshes than this are told by their range. */
  private static final int MAX_LISTED = 8;

  private RefCacheLine() {}

  static String of(CacheStats stats) {
    StringBuilder line = new StringBuilder("ref cache: ").append(stats.policy());
    if (!stats.dtype().isEmpty()) {
      line.append(
          String.format(Locale.ROOT, " in %s (%.1f MB)", stats.dtype(), stats.bytes() / 1e6));
    }
    line.append(", ").append(passes(stats)).append(", ");
    // Rounded first: a tiny loss is no "-0.0 %".
    line.append(Math.round(stats.saved() * 1000) / 10.0).append(" % of the operations saved");
    if (stats.approximate()) {
      line.append(", approximate");
    }
    return line.append(drift(stats.drift())).toString();
  }

  private static String passes(CacheStats stats) {
    List<String> kinds = new ArrayList<>();
    count(kinds, stats.prefills(), "prefill");
    count(kinds, stats.fullSteps(), "full");
    count(kinds, stats.cachedSteps(), "cached");
    count(kinds, stats.partialSteps(), "partial");
    int all = stats.prefills() + stats.fullSteps() + stats.cachedSteps() + stats.partialSteps();
    return Listing.of(kinds) + (all == 1 ? " pass" : " passes");
  }

  private static void count(List<String> kinds, int number, String kind) {
    if (number > 0) {
      kinds.add(number + " " + kind);
    }
  }

  private static String drift(List<Double> drift) {
    if (drift.isEmpty()) {
      return "";
    }
    if (drift.size() <= MAX_LISTED) {
      return drift.stream()
          .map(RefCacheLine::digits)
          .collect(Collectors.joining(", ", "; drift at refreshes ", " (relative)"));
    }
    var range = drift.stream().mapToDouble(Double::doubleValue).summaryStatistics();
    return "; drift at "
        + drift.size()
        + " refreshes "
        + digits(range.getMin())
        + " to "
        + digits(range.getMax())
        + ", mean "
        + digits(range.getAverage())
        + " (relative)";
  }

  /** Two digits that count. */
  private static String digits(double value) {
    return Double.isFinite(value)
        ? new BigDecimal(value).round(new MathContext(2)).stripTrailingZeros().toPlainString()
        : String.valueOf(value);
  }
}
