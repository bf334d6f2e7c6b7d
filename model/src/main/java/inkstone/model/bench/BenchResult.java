package inkstone.model.bench;

import java.util.List;

/**
 * What was measured of one case.
 *
 * @param of the case
 * @param times seconds of its runs
 * @param facts what a run does
 * @param peakFlops operations a second of the multiply-add kernel on as many threads, the median of
 *     runs between those of the case
 * @param residentBytes the most that the process had resident so far; 0 where the system does not
 *     tell
 * @param parts the parts of a step; empty for other work
 */
public record BenchResult(
    BenchCase of,
    BenchTimes times,
    BenchFacts facts,
    double peakFlops,
    long residentBytes,
    List<Part> parts) {
  /**
   * A part of a larger work, timed by itself in the same rounds.
   *
   * @param family what kind of operation it is: edges, modulation, norm, gemm or attention
   */
  public record Part(String name, String family, BenchTimes times) {}

  public BenchResult {
    parts = List.copyOf(parts);
  }

  /** Operations a second. */
  public double flops() {
    return facts.flop() / times.median();
  }

  /** Of the machine's peak. */
  public double peakShare() {
    return flops() / peakFlops;
  }

  public double bytesPerSecond() {
    return facts.bytes() / times.median();
  }

  /** Seconds of all parts together. */
  public double partsSeconds() {
    return parts.stream().mapToDouble(part -> part.times().median()).sum();
  }

  /** How much longer the whole takes than its parts, as a share of the parts. */
  public double joiningShare() {
    return times.median() / partsSeconds() - 1;
  }

  /** Share of norms and RoPE in the blocks, edges apart; residuals are part of the products. */
  public double glueShare() {
    double blocks = 0;
    double glue = 0;
    for (Part part : parts) {
      double seconds = part.times().median();
      blocks += part.family().equals("edges") ? 0 : seconds;
      glue += part.family().equals("norm") ? seconds : 0;
    }
    return glue / blocks;
  }
}
