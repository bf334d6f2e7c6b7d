package inkstone.model.pipeline;

import inkstone.model.image.Image;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Puts a result together. */
final class Results {
  private Results() {}

  static Result of(
      Run run,
      Image image,
      String prompt,
      String negativePrompt,
      Sampling sampling,
      Components model,
      List<Image> references) {
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("task", references.isEmpty() ? "generate" : "edit");
    metadata.put("pipeline", model.pipelineClass.name());
    if (!model.loras.isEmpty()) {
      metadata.put("loras", model.loras.names());
    }
    metadata.put("prompt", prompt);
    if (negativePrompt != null) {
      metadata.put("negative_prompt", negativePrompt);
    }
    metadata.put("width", image.width());
    metadata.put("height", image.height());
    metadata.put(
        "steps", sampling.sigmas().isEmpty() ? sampling.steps() : sampling.sigmas().size());
    metadata.put("cfg_scale", sampling.cfgScale());
    metadata.put("seed", sampling.seed());
    metadata.put("rng", "torch");
    metadata.put("sampling_method", "euler");
    if (sampling.flowShift() instanceof FlowShift.Static(double shift)) {
      metadata.put("flow_shift", shift);
    }
    if (!sampling.sigmas().isEmpty()) {
      metadata.put("sigmas", sampling.sigmas());
    }
    if (!references.isEmpty()) {
      List<String> sizes = new ArrayList<>();
      references.forEach(r -> sizes.add(r.width() + "x" + r.height()));
      metadata.put("reference_sizes", sizes);
    }
    return new Result(
        image,
        sampling.seed(),
        run.finish(),
        metadata,
        List.copyOf(run.warnings),
        run.cacheStats,
        run.arena.peakBytes(),
        run.counters.stats());
  }
}
