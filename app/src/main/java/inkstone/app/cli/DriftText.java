package inkstone.app.cli;

import inkstone.app.report.Figures;
import inkstone.model.drift.DriftMap;
import inkstone.model.drift.PictureError;
import inkstone.model.pipeline.DriftReport;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A drift report in some lines, for a person. */
final class DriftText {
  private DriftText() {}

  static List<String> of(DriftReport drift) {
    List<String> lines = new ArrayList<>();
    lines.add(RefCacheLine.of(drift.cache()));
    for (DriftReport.Branch branch : drift.branches()) {
      String of = drift.branches().size() > 1 ? ", " + branch.name().replace('_', ' ') : "";
      lines.add("drift of K" + of + ": " + drift(branch.key()));
      lines.add("drift of V" + of + ": " + drift(branch.value()));
    }
    lines.add("velocity error at the latents of off: " + velocity(drift));
    lines.add("");
    lines.add("                     latents   max   mean     PSNR    SSIM  off by > 8");
    lines.add(row(drift.cache().policy(), drift.policy(), drift.policy().errors().whole()));
    String share = Figures.percent(drift.editedShare());
    drift
        .policy()
        .errors()
        .edited()
        .ifPresent(error -> lines.add(row("  edited " + share, null, error)));
    drift
        .policy()
        .errors()
        .preserved()
        .ifPresent(error -> lines.add(row("  preserved", null, error)));
    lines.add(row("bf16 inputs", drift.roundedInputs(), drift.roundedInputs().errors().whole()));
    int fewer = drift.fewerSteps().steps();
    lines.add(
        row(
            "off, " + fewer + (fewer == 1 ? " step" : " steps"),
            drift.fewerSteps(),
            drift.fewerSteps().errors().whole()));
    return lines;
  }

  private static String drift(DriftMap map) {
    DriftMap.Entry worst = map.worst();
    if (worst.error() == 0) {
      return "none";
    }
    return "mean "
        + Figures.of(map.mean())
        + ", worst "
        + Figures.of(worst.error())
        + " at step "
        + (worst.step() + 1)
        + ", layer "
        + worst.layer()
        + ", reference "
        + (worst.reference() + 1);
  }

  private static String velocity(DriftReport drift) {
    int worst = 0;
    double sum = 0;
    for (int i = 0; i < drift.steps().size(); i++) {
      double error = drift.steps().get(i).velocityError();
      sum += error;
      if (error > drift.steps().get(worst).velocityError()) {
        worst = i;
      }
    }
    double most = drift.steps().get(worst).velocityError();
    return most == 0
        ? "none"
        : "mean "
            + Figures.of(sum / drift.steps().size())
            + ", worst "
            + Figures.of(most)
            + " at step "
            + (worst + 1);
  }

  private static String row(String name, DriftReport.Picture picture, PictureError error) {
    return String.format(
        Locale.ROOT,
        "%-19s %8s %5d %6.2f %8s %7s %10.2f %%",
        name,
        picture == null ? "" : Figures.of(picture.latentError()),
        error.max(),
        error.mean(),
        Double.isFinite(error.psnr())
            ? String.format(Locale.ROOT, "%.1f dB", error.psnr())
            : "equal",
        error.ssim().isPresent()
            ? String.format(Locale.ROOT, "%.4f", error.ssim().getAsDouble())
            : "-",
        100 * error.visible());
  }

  /** The policy that ran and its parameters, such as {@code anchored, warmup 1, every 4, bf16}. */
  static String policy(DriftReport drift) {
    Map<String, Object> facts = new LinkedHashMap<>();
    RefCacheFacts.put(facts, drift.refCache(), drift.cache());
    StringBuilder text = new StringBuilder();
    facts.forEach((key, value) -> {
      if (key.equals("ref_cache")) {
        text.append(value);
      } else if (key.equals("ref_cache_dtype")) {
        text.append(", ").append(value);
      } else if (key.startsWith("ref_cache_") && !(value instanceof Map)) {
        text.append(", ").append(key.substring("ref_cache_".length())).append(' ').append(value);
      }
    });
    return text.toString();
  }
}
