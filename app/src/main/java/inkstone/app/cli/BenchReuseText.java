package inkstone.app.cli;

import inkstone.model.bench.ReuseCase;
import inkstone.model.bench.ReuseFigures;
import inkstone.model.bench.ReuseResult;
import inkstone.model.bench.ReuseTimes;
import java.io.PrintStream;
import java.util.Locale;

/** What {@code bench step --ref-cache} prints for a person. */
final class BenchReuseText {
  private BenchReuseText() {}

  static void print(PrintStream out, ReuseResult result) {
    heading(out, result);
    loop(out, "off", result.off());
    if (result.keys() != null) {
      loop(out, "kept keys and values", result.keys());
    }
    if (result.edit() != null) {
      loop(out, "as an edit", result.edit());
    }
    if (result.keys() != null) {
      out.println("  kept keys and values save of off:");
      savings(out, result, result.keys());
      out.printf(
          Locale.ROOT,
          "    a full step that keeps takes %+.1f %%; %d bytes kept, %d by the formula%n",
          100 * result.keepingShare(),
          result.keys().cacheBytes(),
          result.formulaBytes());
    }
    if (result.edit() != null) {
      out.printf(
          Locale.ROOT,
          "  an edit saves of off, exact reuse and the last block's dead tail with it"
              + " (1 block of %d here, of 60 in the model):%n",
          result.of().step().sizes().get("layers"));
      savings(out, result, result.edit());
    }
    out.flush();
  }

  private static void heading(PrintStream out, ReuseResult result) {
    ReuseCase of = result.of();
    out.printf(Locale.ROOT, "%s threads=%d%n", of.step().describe(), of.step().threads());
    out.printf(
        Locale.ROOT,
        "%s%s, %d steps, zero_cond_t %s: N = %d tokens, R = %d of them references%n",
        of.describe(),
        result.keys() == null ? "" : ", kept as " + of.store(),
        of.steps(),
        of.zeroCondT() ? "on" : "off",
        result.tokens(),
        result.references());
    out.printf(Locale.ROOT, "  %-38s  %9s %9s %9s  %8s%n", "", "median", "min", "max", "GFLOP/s");
  }

  private static void loop(PrintStream out, String name, ReuseFigures loop) {
    row(out, name + ": full step", loop.full(), loop.fullFlop());
    if (loop.reusing() != null) {
      row(out, name + ": step that reuses", loop.reusing(), loop.reusingFlop());
    }
    row(out, name + ": " + loop.steps() + " steps", loop.loop(), loop.flop());
  }

  private static void row(PrintStream out, String name, ReuseTimes times, double flop) {
    out.printf(
        Locale.ROOT,
        "  %-38s  %9s %9s %9s  %8.1f%n",
        name,
        BenchText.time(times.median()),
        BenchText.time(times.whole().min()),
        BenchText.time(times.whole().max()),
        flop / times.median() / 1e9);
  }

  private static void savings(PrintStream out, ReuseResult result, ReuseFigures loop) {
    if (loop.reusing() == null) {
      out.println("    nothing: no step reuses");
      return;
    }
    out.printf(
        Locale.ROOT,
        "    a step that reuses: %.1f %% of the time, %.3f of the %.1f %% of the operations"
            + " (R/N is %.1f %%); of the blocks alone %.3f%n",
        100 * result.saved(loop),
        result.saved(loop) / result.flopShare(loop),
        100 * result.flopShare(loop),
        100 * result.rowsShare(),
        result.blocksSaved(loop) / result.flopShare(loop));
    out.printf(
        Locale.ROOT,
        "    %d steps: %.1f %% of the time, %.3f of the %.1f %% of the operations; of the blocks"
            + " alone %.3f; %d of %d rows not computed%n",
        loop.steps(),
        100 * result.loopSaved(loop),
        result.loopSaved(loop) / result.loopFlopShare(loop),
        100 * result.loopFlopShare(loop),
        result.loopBlocksSaved(loop) / result.loopFlopShare(loop),
        loop.rowsReused(),
        loop.rowsReused() + loop.rowsComputed());
  }
}
