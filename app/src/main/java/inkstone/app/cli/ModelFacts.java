package inkstone.app.cli;

import inkstone.model.pipeline.ZeroCondT;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What is told of an open model.
 *
 * @param engine model class, its size, kernels and threads
 * @param parts bytes of each part's weights
 * @param resident whether all parts stay mapped, or each only for its stage
 */
record ModelFacts(
    String engine, ZeroCondT.Choice zeroCondT, Map<String, Long> parts, boolean resident) {
  /** Where nobody need be told where the answer came from. */
  private static final String USUAL = "config.json";

  /** Whether it was decided by something that the user may not have in mind. */
  boolean decidesUnusually() {
    return !zeroCondT.from().equals(USUAL);
  }

  String zeroCondTLine() {
    return "zero_cond_t: " + (zeroCondT.on() ? "on" : "off") + ", from " + zeroCondT.from();
  }

  String partsLine() {
    String sizes =
        parts.entrySet().stream()
            .map(part ->
                String.format(Locale.ROOT, "%s %.1f MB", part.getKey(), part.getValue() / 1e6))
            .collect(Collectors.joining(", "));
    return "weights: " + sizes + (resident ? "" : "; each is mapped for its stage alone");
  }
}
