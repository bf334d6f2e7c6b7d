package inkstone.kernel;

/** Sums of squares in plain loops. */
final class ScalarSquares {
  /** Bytes of a row's partial sums of one kind. */
  static final int CHAIN_BYTES = 8 * Kernels.SQUARE_CHAINS;

  private ScalarSquares() {}

  /** As {@link Kernels#squares}. */
  static void squares(long sums, long a, long b, long rows, int channels) {
    for (long r = 0; r < rows; r++) {
      long to = sums + 2 * CHAIN_BYTES * r;
      for (int chain = 0; chain < 2 * Kernels.SQUARE_CHAINS; chain++) {
        Raw.setDouble(to + 8 * chain, 0);
      }
      add(to, a + 4 * r * channels, b + 4 * r * channels, 0, channels);
    }
  }

  /** Adds elements {@code [from, to)} of a row to its partial sums at {@code sums}. */
  static void add(long sums, long a, long b, int from, int to) {
    for (int i = from; i < to; i++) {
      long difference = sums + 8 * (i % Kernels.SQUARE_CHAINS);
      long reference = difference + CHAIN_BYTES;
      double v = Raw.get(b, i);
      double d = Raw.get(a, i) - v;
      Raw.setDouble(difference, Math.fma(d, d, Raw.getDouble(difference)));
      Raw.setDouble(reference, Math.fma(v, v, Raw.getDouble(reference)));
    }
  }
}
