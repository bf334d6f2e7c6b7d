package inkstone.model.bench;

import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** A fast wrong answer is worth nothing: every measured work is looked at. */
final class Results {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Results() {}

  /** All numbers are finite, and not all are the same. */
  static void requireFinite(String what, Tensor t) {
    float first = t.getFloat(0);
    boolean varied = t.elements() == 1;
    for (long i = 0; i < t.elements(); i++) {
      float value = t.segment().get(FLOAT, 4 * i);
      if (!Float.isFinite(value)) {
        throw wrong(what + ", element " + i, "a finite number", value);
      }
      varied |= value != first;
    }
    if (!varied) {
      throw wrong(what, "different numbers", "only " + first);
    }
  }

  /**
   * The largest error is at most {@code tolerance} of the largest number.
   *
   * @param expected from the plain loops
   */
  static void requireClose(String what, Tensor expected, Tensor actual, double tolerance) {
    double largest = 0;
    double error = 0;
    for (long i = 0; i < expected.elements(); i++) {
      largest = Math.max(largest, Math.abs(expected.getFloat(i)));
      error = Math.max(error, Math.abs(expected.getFloat(i) - actual.getFloat(i)));
    }
    // Not written as error > …: NaN must fail.
    if (!(error <= tolerance * largest && largest > 0)) {
      throw wrong(what, "an error of at most " + tolerance + " of " + largest, error);
    }
  }

  /** Every number is finite and has the bits of the expected one. */
  static void requireSame(String what, Tensor expected, Tensor actual) {
    for (long i = 0; i < expected.elements(); i++) {
      float wanted = expected.getFloat(i);
      float value = actual.getFloat(i);
      if (!Float.isFinite(wanted)
          || Float.floatToRawIntBits(wanted) != Float.floatToRawIntBits(value)) {
        throw wrong(what + ", element " + i, "the bits of " + wanted, value);
      }
    }
  }

  static IllegalStateException wrong(String what, String expected, Object got) {
    return new IllegalStateException(
        "bench: "
            + what
            + ", expected "
            + expected
            + ", got "
            + got
            + "; the figure would mean nothing: run the tests");
  }
}
