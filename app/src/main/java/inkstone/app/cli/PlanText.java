package inkstone.app.cli;

import inkstone.model.kv.KvDtype;
import inkstone.model.pipeline.Plan;
import inkstone.model.pipeline.PlanPart;
import inkstone.model.pipeline.PlanTimes;
import java.io.PrintStream;
import java.util.LinkedHashSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** A plan for people. */
final class PlanText {
  private PlanText() {}

  static void print(PrintStream out, Plan plan, PlanTimes times) {
    out.println(plan.engine());
    out.println(
        String.format(
            Locale.ROOT,
            "%s, %d reference%s, %d image tokens, text of %s tokens, %d steps",
            plan.size(),
            plan.references().size(),
            plan.references().size() == 1 ? "" : "s",
            plan.imageTokens(),
            plan.textTokens().stream().map(String::valueOf).collect(Collectors.joining(" and ")),
            plan.steps().count()));
    out.println();
    out.println("weights, mapped            bytes  type");
    for (PlanPart part : plan.parts()) {
      out.println(
          String.format(
              Locale.ROOT,
              "  %-16s %13s  %s",
              part.name(),
              bytes(part.bytes()),
              part.dtypes().keySet().stream()
                  .map(String::valueOf)
                  .collect(Collectors.joining(" "))));
    }
    out.println(String.format(Locale.ROOT, "  %-16s %13s", "together", bytes(plan.mappedBytes())));
    out.println();
    out.println(
        "memory, anonymous    activations      scratch   remembered      process         FLOP"
            + (times == null ? "" : "     seconds"));
    for (Plan.StageCost stage : plan.stages()) {
      out.println(
          String.format(
              Locale.ROOT,
              "  %-16s %13s%13s%13s%13s%13s%s%s",
              stage.stage().name().toLowerCase(Locale.ROOT),
              bytes(stage.activationBytes()),
              bytes(stage.scratchBytes()),
              bytes(stage.rememberedBytes()),
              bytes(stage.anonymousBytes()),
              flop(stage.flop()),
              times == null
                  ? ""
                  : String.format(Locale.ROOT, "%12.1f", times.stages().get(stage.stage())),
              stage.equals(plan.peak()) ? "  peak" : ""));
    }
    out.println(
        String.format(
            Locale.ROOT,
            "  Java itself %s, weights laid out anew %s, latents %s; available %s",
            bytes(plan.processBytes()),
            bytes(plan.copiedBytes()),
            bytes(plan.latentBytes()),
            bytes(plan.availableBytes())));
    out.println();
    Plan.Reuse reuse = plan.reuse();
    out.println(
        String.format(
            Locale.ROOT,
            "ref cache: %s%s, %s kept from step to step",
            reuse.policy(),
            reuse.approximate() ? " in " + word(reuse.dtype()) + ", approximate" : "",
            bytes(reuse.bytes())));
    caches(out, plan);
    out.println();
    Plan.Steps steps = plan.steps();
    out.println(
        String.format(
            Locale.ROOT,
            "a step: %sFLOP in full, %sFLOP where most is reused; all steps save %.1f %%",
            flop(steps.fullFlop()),
            flop(steps.reusedFlop()),
            100 * (1 - denoising(plan) / steps.offFlop())));
    if (times != null) {
      out.println(
          String.format(
              Locale.ROOT,
              "time: %s; first step %s, full step %s, reused step %s",
              seconds(times.seconds()),
              seconds(times.firstStep()),
              seconds(times.fullStep()),
              seconds(times.reusedStep())));
      for (PlanTimes.Rate rate : times.rates()) {
        out.println(
            String.format(
                Locale.ROOT, "  %-52s %s%s/s", rate.what(), flop(rate.perSecond()), unit(rate)));
      }
    }
    out.println(
        String.format(
            Locale.ROOT,
            "peak: %s of anonymous memory while %s",
            bytes(plan.peak().anonymousBytes()),
            plan.peak().stage().name().toLowerCase(Locale.ROOT).replace('_', ' ')));
  }

  private static void caches(PrintStream out, Plan plan) {
    if (plan.caches().isEmpty()) {
      return;
    }
    StringBuilder heading = new StringBuilder(String.format("  %-16s", "bytes by policy"));
    for (KvDtype dtype : KvDtype.values()) {
      heading.append(String.format("%13s", word(dtype)));
    }
    out.println(heading);
    Set<String> policies = new LinkedHashSet<>();
    plan.caches().forEach(cache -> policies.add(cache.policy()));
    for (String policy : policies) {
      StringBuilder row = new StringBuilder(String.format("  %-16s", policy));
      String note = "";
      for (Plan.CacheSize cache : plan.caches()) {
        if (cache.policy().equals(policy)) {
          row.append(String.format("%13s", bytes(cache.bytes())));
          note = cache.note();
        }
      }
      out.println(row + (note.isEmpty() ? "" : "  " + note));
    }
  }

  static double denoising(Plan plan) {
    return plan.steps().passes().stream()
        .mapToDouble(pass -> pass.count() * (pass.linearFlop() + pass.attentionFlop()))
        .sum();
  }

  private static String unit(PlanTimes.Rate rate) {
    return rate.unit().equals("FLOP") ? "FLOP" : "B";
  }

  private static String word(KvDtype dtype) {
    return dtype.name().toLowerCase(Locale.ROOT);
  }

  static String bytes(long bytes) {
    if (bytes < 1 << 20) {
      return String.format(Locale.ROOT, "%.1f KiB", bytes / 1024.0);
    }
    return bytes < 1L << 30
        ? String.format(Locale.ROOT, "%.1f MiB", bytes / (double) (1 << 20))
        : String.format(Locale.ROOT, "%.2f GiB", bytes / (double) (1L << 30));
  }

  static String flop(double flop) {
    double unit = flop >= 1e12 ? 1e12 : flop >= 1e9 ? 1e9 : 1e6;
    return String.format(
        Locale.ROOT, "%.1f %s", flop / unit, flop >= 1e12 ? "T" : flop >= 1e9 ? "G" : "M");
  }

  static String seconds(double seconds) {
    return seconds < 120
        ? String.format(Locale.ROOT, "%.1f s", seconds)
        : String.format(Locale.ROOT, "%.0f min %.0f s", Math.floor(seconds / 60), seconds % 60);
  }
}
