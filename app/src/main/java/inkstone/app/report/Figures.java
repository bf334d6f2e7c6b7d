package inkstone.app.report;

import java.math.BigDecimal;
import java.math.MathContext;

/** Numbers as they are shown. */
public final class Figures {
  private Figures() {}

  /** Three digits that count, without an exponent where that stays short. */
  public static String of(double value) {
    if (!Double.isFinite(value)) {
      return Double.isNaN(value) ? "NaN" : value > 0 ? "infinite" : "-infinite";
    }
    if (value == 0) {
      return "0";
    }
    BigDecimal rounded = new BigDecimal(value).round(new MathContext(3));
    return Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6
        ? String.format(java.util.Locale.ROOT, "%.2e", value)
        : rounded.stripTrailingZeros().toPlainString();
  }

  /** A share in percent, with one decimal. */
  public static String percent(double share) {
    // Rounded first: a tiny loss is no "-0.0".
    return Math.round(share * 1000) / 10.0 + " %";
  }
}
