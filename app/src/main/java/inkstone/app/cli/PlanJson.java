package inkstone.app.cli;

import inkstone.model.pipeline.Plan;
import inkstone.model.pipeline.PlanPart;
import inkstone.model.pipeline.PlanTimes;
import inkstone.model.pipeline.Stage;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A plan for programs. */
final class PlanJson {
  private PlanJson() {}

  /**
   * @param times null when none were measured
   */
  static Map<String, Object> of(Plan plan, PlanTimes times) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("engine", plan.engine());
    map.put("width", plan.size().width());
    map.put("height", plan.size().height());
    map.put("references", plan.references().stream().map(String::valueOf).toList());
    map.put("text_tokens", plan.textTokens());
    map.put("image_tokens", plan.imageTokens());
    map.put("fits", plan.fits());
    map.put("advice", plan.advice());
    map.put("peak_bytes", plan.peak().anonymousBytes());
    map.put("peak_stage", word(plan.peak().stage()));
    map.put("required_bytes", plan.requiredBytes());
    map.put("available_bytes", plan.availableBytes());
    map.put("process_bytes", plan.processBytes());
    map.put("copied_bytes", plan.copiedBytes());
    map.put("latent_bytes", plan.latentBytes());
    map.put("mapped_bytes", plan.mappedBytes());
    map.put("parts", plan.parts().stream().map(PlanJson::part).toList());
    List<Object> stages = new ArrayList<>();
    plan.stages().forEach(stage -> stages.add(stage(stage, times)));
    map.put("stages", stages);
    map.put("ref_cache", reuse(plan.reuse()));
    map.put(
        "cache_sizes",
        plan.caches().stream()
            .map(cache -> {
              Map<String, Object> one = new LinkedHashMap<>();
              one.put("policy", cache.policy());
              one.put("dtype", lower(cache.dtype().name()));
              one.put("bytes", cache.bytes());
              one.put("possible", cache.note().isEmpty());
              return one;
            })
            .toList());
    map.put("steps", steps(plan));
    map.put("times", times == null ? null : times(times));
    map.put("warnings", plan.warnings());
    return map;
  }

  private static Map<String, Object> part(PlanPart part) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("name", part.name());
    map.put("bytes", part.bytes());
    map.put("dtypes", part.dtypes());
    return map;
  }

  private static Map<String, Object> stage(Plan.StageCost stage, PlanTimes times) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("stage", word(stage.stage()));
    map.put("activation_bytes", stage.activationBytes());
    map.put("scratch_bytes", stage.scratchBytes());
    map.put("remembered_bytes", stage.rememberedBytes());
    map.put("anonymous_bytes", stage.anonymousBytes());
    map.put("flop", stage.flop());
    map.put("seconds", times == null ? null : times.stages().get(stage.stage()));
    return map;
  }

  private static Map<String, Object> reuse(Plan.Reuse reuse) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("policy", reuse.policy());
    map.put("dtype", lower(reuse.dtype().name()));
    map.put("approximate", reuse.approximate());
    map.put("bytes", reuse.bytes());
    return map;
  }

  private static Map<String, Object> steps(Plan plan) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("count", plan.steps().count());
    map.put("full_flop", plan.steps().fullFlop());
    map.put("reused_flop", plan.steps().reusedFlop());
    map.put("flop", PlanText.denoising(plan));
    map.put("flop_off", plan.steps().offFlop());
    return map;
  }

  private static Map<String, Object> times(PlanTimes times) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("seconds", times.seconds());
    map.put("first_step", times.firstStep());
    map.put("full_step", times.fullStep());
    map.put("reused_step", times.reusedStep());
    List<Object> rates = new ArrayList<>();
    for (PlanTimes.Rate rate : times.rates()) {
      Map<String, Object> one = new LinkedHashMap<>();
      one.put("what", rate.what());
      one.put("per_second", rate.perSecond());
      one.put("unit", rate.unit());
      rates.add(one);
    }
    map.put("rates", rates);
    return map;
  }

  private static String word(Stage stage) {
    return lower(stage.name());
  }

  private static String lower(String name) {
    return name.toLowerCase(Locale.ROOT);
  }
}
