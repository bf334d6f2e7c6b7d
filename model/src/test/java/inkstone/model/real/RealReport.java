package inkstone.model.real;

import inkstone.tensor.Shape;
import inkstone.tensor.TensorAssert;
import java.util.Locale;

/** The table of an opt-in run, in Markdown. */
final class RealReport {
  private final StringBuilder rows =
      new StringBuilder(
          """
          | case | output | shape | max abs | rel | rel by channel | 1 - cosine | bar |
          |---|---|---|---|---|---|---|---|
          """);

  /**
   * Notes one comparison.
   *
   * @param each with every channel at unit size; null where the bar is absolute
   */
  void add(
      String name,
      String key,
      Shape shape,
      TensorAssert.Difference all,
      TensorAssert.Difference each,
      double tolerance) {
    rows.append(
        String.format(
            Locale.ROOT,
            "| `%s` | `%s` | %s | %.1e | %.1e | %s | %.0e | %s %.0e |%n",
            name,
            key,
            shape,
            all.maxAbs(),
            all.maxRel(),
            each == null ? "" : String.format(Locale.ROOT, "%.1e", each.maxRel()),
            1 - all.cosine(),
            each == null ? "abs" : "rel",
            tolerance));
  }

  String table() {
    return rows.toString();
  }
}
