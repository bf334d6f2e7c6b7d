package inkstone.parallel;

/** Static splitting of ranges. */
public final class Tiles {
  private Tiles() {}

  /**
   * First index of part {@code part} when {@code n} items are split into {@code parts} runs whose
   * borders are multiples of {@code granule}; part {@code parts} gives {@code n}.
   */
  public static long start(long n, int parts, int part, long granule) {
    long granules = (n + granule - 1) / granule;
    return Math.min(n, granules * part / parts * granule);
  }
}
