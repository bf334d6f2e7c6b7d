package inkstone.app.cli;

import inkstone.model.drift.DriftMap;
import inkstone.model.drift.EditedRegion;
import inkstone.model.drift.PictureError;
import inkstone.model.drift.PictureErrors;
import inkstone.model.image.Image;
import inkstone.model.pipeline.DriftReport;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.FlowShift;
import inkstone.model.pipeline.VaeTiling;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The fields of a drift report; docs/cli.md lists them. */
final class DriftJson {
  private static final String ROUNDED =
      "noise floor: no reuse, reference latents and prompt embeddings rounded to BF16, computed in"
          + " F32; an engine that computes in BF16 has a higher one";

  private static final String FEWER =
      "equal FLOP: no reuse, as many steps as the policy's operations pay for";

  private DriftJson() {}

  static Map<String, Object> of(DriftRun.Asked asked, String engine, DriftReport drift) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("software", "inkstone " + Version.number());
    map.put("java", Runtime.version().toString());
    map.put("engine", engine);
    map.put("pipeline", drift.pipeline());
    map.put("request", request(asked, drift));
    map.put("cache", RefCacheFacts.event(drift.cache()));
    map.put("steps", steps(drift));
    map.put("branches", drift.branches().stream().map(DriftJson::branch).toList());
    map.put("edited_share", drift.editedShare());
    map.put("edited_threshold", EditedRegion.THRESHOLD);
    map.put("visible_threshold", PictureErrors.VISIBLE);
    Map<String, Object> pictures = new LinkedHashMap<>();
    pictures.put("policy", picture("the policy's own run", drift.policy()));
    pictures.put("rounded_inputs", picture(ROUNDED, drift.roundedInputs()));
    pictures.put("fewer_steps", picture(FEWER, drift.fewerSteps()));
    map.put("pictures", pictures);
    map.put("warnings", drift.warnings());
    Map<String, Object> seconds = new LinkedHashMap<>();
    drift
        .timings()
        .stages()
        .forEach((stage, s) -> seconds.put(stage.name().toLowerCase(Locale.ROOT), s));
    map.put("seconds", seconds);
    map.put("peak_bytes", drift.peakBytes());
    return map;
  }

  private static Map<String, Object> request(DriftRun.Asked asked, DriftReport drift) {
    EditRequest edit = asked.edit();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("model", null);
    map.putAll(asked.modelOptions().given());
    if (!asked.engineOptions().loras().isEmpty()) {
      map.put("loras", asked.engineOptions().loras().stream().map(String::valueOf).toList());
    }
    map.put("prompt", edit.prompt());
    map.put("negative_prompt", edit.negativePrompt());
    map.put("references", asked.references().paths());
    map.put("references_sha256", asked.references().hashes());
    map.put("reference_sizes", edit.references().stream().map(DriftRun::size).toList());
    Image off = drift.off();
    map.put("width", off.width());
    map.put("height", off.height());
    map.put("steps", drift.steps().size());
    map.put("cfg_scale", edit.sampling().cfgScale());
    map.put("seed", edit.sampling().seed());
    if (edit.sampling().flowShift() instanceof FlowShift.Static(double shift)) {
      map.put("flow_shift", shift);
    }
    if (!edit.sampling().sigmas().isEmpty()) {
      map.put("sigmas", edit.sampling().sigmas());
    }
    if (edit.vaeTiling() != VaeTiling.AUTO) {
      map.put("vae_tiling", edit.vaeTiling().name().toLowerCase(Locale.ROOT));
    }
    Map<String, Object> cache = new LinkedHashMap<>();
    RefCacheFacts.put(cache, drift.refCache(), drift.cache());
    cache.remove("ref_cache_stats");
    map.putAll(cache);
    return map;
  }

  private static List<Object> steps(DriftReport drift) {
    List<Object> steps = new ArrayList<>();
    for (DriftReport.Step step : drift.steps()) {
      Map<String, Object> map = new LinkedHashMap<>();
      map.put("step", steps.size() + 1);
      map.put("sigma", step.sigma());
      map.put("velocity_error", step.velocityError());
      map.put("latent_error", step.latentError());
      steps.add(map);
    }
    return steps;
  }

  private static Map<String, Object> branch(DriftReport.Branch branch) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", branch.name());
    map.put("plans", branch.plans());
    map.put("velocity_error", branch.velocityErrors());
    map.put("key", drift(branch.key()));
    map.put("value", drift(branch.value()));
    return map;
  }

  private static Map<String, Object> drift(DriftMap drift) {
    DriftMap.Entry worst = drift.worst();
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("mean", drift.mean());
    map.put("worst", worst.error());
    map.put("worst_step", worst.step() + 1);
    map.put("worst_layer", worst.layer());
    map.put("worst_reference", worst.reference() + 1);
    map.put("errors", drift.toLists());
    return map;
  }

  private static Map<String, Object> picture(String what, DriftReport.Picture picture) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("what", what);
    map.put("steps", picture.steps());
    map.put("flop", picture.flop());
    map.put("latent_error", picture.latentError());
    map.put("whole", error(picture.errors().whole()));
    map.put("edited", picture.errors().edited().map(DriftJson::error).orElse(null));
    map.put("preserved", picture.errors().preserved().map(DriftJson::error).orElse(null));
    return map;
  }

  private static Map<String, Object> error(PictureError error) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("pixels", error.pixels());
    map.put("max", error.max());
    map.put("mean", error.mean());
    map.put("psnr", Double.isFinite(error.psnr()) ? error.psnr() : null);
    map.put("ssim", error.ssim().isPresent() ? error.ssim().getAsDouble() : null);
    map.put("visible", error.visible());
    return map;
  }
}
