package inkstone.tensor;

import java.util.Locale;

/**
 * The one comparator of the project. It rejects non-finite values on either side first, then
 * compares; each failure names the figures and the first bad index.
 */
public final class TensorAssert {
  /** How far {@code actual} is from {@code expected}. */
  public record Difference(double maxAbs, double maxRel, double cosine, int worst) {
    @Override
    public String toString() {
      return String.format(
          Locale.ROOT, "max abs %.3e, rel %.3e, cosine %.9f", maxAbs, maxRel, cosine);
    }
  }

  private static final boolean PRINT = Boolean.getBoolean("inkstone.parity.print");

  private TensorAssert() {}

  /**
   * Prints the figures of a comparison with {@code -Dinkstone.parity.print=true}: those that
   * docs/parity.md states.
   */
  public static void show(String figures) {
    if (PRINT) {
      System.out.println("compared " + figures);
    }
  }

  /**
   * Measures the difference. {@code maxRel} is the largest absolute error over the root mean square
   * of {@code expected}, so that values near zero do not blow it up.
   */
  public static Difference compare(String what, float[] expected, float[] actual) {
    if (expected.length != actual.length) {
      throw new AssertionError(
          what + ": expected " + expected.length + " elements, got " + actual.length);
    }
    if (expected.length == 0) {
      throw new AssertionError(what + ": nothing to compare");
    }
    double squares = 0;
    double actualSquares = 0;
    double dot = 0;
    double maxAbs = 0;
    int worst = 0;
    for (int i = 0; i < expected.length; i++) {
      if (!Float.isFinite(expected[i]) || !Float.isFinite(actual[i])) {
        throw new AssertionError(
            what
                + ": not finite at index "
                + i
                + ", expected "
                + expected[i]
                + ", got "
                + actual[i]);
      }
      squares += (double) expected[i] * expected[i];
      actualSquares += (double) actual[i] * actual[i];
      dot += (double) expected[i] * actual[i];
      double error = Math.abs((double) expected[i] - actual[i]);
      if (error > maxAbs) {
        maxAbs = error;
        worst = i;
      }
    }
    double rms = Math.sqrt(squares / expected.length);
    double maxRel = maxAbs == 0 ? 0 : maxAbs / Math.max(rms, Double.MIN_NORMAL);
    double cosine =
        squares == 0 && actualSquares == 0 ? 1 : dot / Math.sqrt(squares * actualSquares);
    return new Difference(maxAbs, maxRel, cosine, worst);
  }

  /** Passes when the largest absolute error is at most {@code tolerance}. */
  public static Difference assertAbs(
      String what, float[] expected, float[] actual, double tolerance) {
    Difference d = compare(what, expected, actual);
    check(what, d, d.maxAbs() <= tolerance, "abs ≤ " + tolerance, expected, actual);
    return d;
  }

  /** Passes when the largest error is at most {@code tolerance} times the root mean square. */
  public static Difference assertRel(
      String what, float[] expected, float[] actual, double tolerance) {
    Difference d = compare(what, expected, actual);
    check(what, d, d.maxRel() <= tolerance, "rel ≤ " + tolerance, expected, actual);
    return d;
  }

  public static Difference assertRel(String what, Tensor expected, Tensor actual, double tol) {
    requireSameShape(what, expected, actual);
    return assertRel(what, expected.toFloatArray(), actual.toFloatArray(), tol);
  }

  public static Difference assertAbs(String what, Tensor expected, Tensor actual, double tol) {
    requireSameShape(what, expected, actual);
    return assertAbs(what, expected.toFloatArray(), actual.toFloatArray(), tol);
  }

  /** Passes when every float has the same bits; NaN fails. */
  public static void assertBits(String what, float[] expected, float[] actual) {
    compare(what, expected, actual);
    for (int i = 0; i < expected.length; i++) {
      if (Float.floatToRawIntBits(expected[i]) != Float.floatToRawIntBits(actual[i])) {
        throw new AssertionError(
            what + ": bits differ at " + i + ", expected " + expected[i] + ", got " + actual[i]);
      }
    }
  }

  private static void requireSameShape(String what, Tensor expected, Tensor actual) {
    if (!expected.shape().equals(actual.shape())) {
      throw new AssertionError(
          what + ": expected shape " + expected.shape() + ", got " + actual.shape());
    }
  }

  private static void check(
      String what, Difference d, boolean ok, String bar, float[] expected, float[] actual) {
    show(what + ": " + d + ", bar " + bar);
    if (!ok) {
      throw new AssertionError(
          what
              + ": "
              + d
              + ", expected "
              + bar
              + "; worst at index "
              + d.worst()
              + ": expected "
              + expected[d.worst()]
              + ", got "
              + actual[d.worst()]);
    }
  }
}
