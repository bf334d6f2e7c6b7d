package inkstone.app.cli;

import inkstone.app.image.PictureException;
import inkstone.app.image.PictureMetadata;
import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.model.pipeline.FlowShift;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.VaeTiling;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;

/**
 * What is stored in a PNG: all that makes the same picture again. {@code metadata --as-cli} turns
 * it into a command.
 */
final class RunMetadata {
  private RunMetadata() {}

  static Map<String, Object> of(
      String command,
      Map<String, String> model,
      References references,
      RefCache refCache,
      PictureRun.Ask ask,
      Result result) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("command", command);
    facts.put("prompt", ask.prompt());
    if (ask.negativePrompt() != null) {
      facts.put("negative_prompt", ask.negativePrompt());
    }
    facts.putAll(model);
    if (!references.paths().isEmpty()) {
      facts.put("references", references.paths());
      facts.put("references_sha256", references.hashes());
    }
    facts.put("width", result.width());
    facts.put("height", result.height());
    facts.put("steps", ask.sampling().steps());
    facts.put("cfg_scale", ask.sampling().cfgScale());
    facts.put("seed", result.seed());
    if (ask.sampling().flowShift() instanceof FlowShift.Static(double shift)) {
      facts.put("flow_shift", shift);
    }
    if (!ask.sampling().sigmas().isEmpty()) {
      facts.put("sigmas", ask.sampling().sigmas());
    }
    if (ask.tiling() != VaeTiling.AUTO) {
      facts.put("vae_tiling", ask.tiling().name().toLowerCase(Locale.ROOT));
    }
    RefCacheFacts.put(facts, refCache, result.cacheStats());
    result.metadata().forEach(facts::putIfAbsent);
    facts.putIfAbsent("software", "inkstone " + Version.number());
    return facts;
  }

  /** The texts of the PNG: one for tools of the A1111 family, one to make the command from. */
  static PictureMetadata texts(Map<String, Object> facts) {
    StringBuilder parameters = new StringBuilder();
    parameters.append(facts.get("prompt")).append('\n');
    if (facts.containsKey("negative_prompt")) {
      parameters.append("Negative prompt: ").append(facts.get("negative_prompt")).append('\n');
    }
    parameters
        .append("Steps: ")
        .append(facts.get("steps"))
        .append(", Sampler: Euler, CFG scale: ")
        .append(Numbers.plain(((Number) facts.get("cfg_scale")).doubleValue()))
        .append(", Seed: ")
        .append(facts.get("seed"))
        .append(", Size: ")
        .append(facts.get("width"))
        .append('x')
        .append(facts.get("height"))
        .append(", Version: ")
        .append(facts.get("software"));
    if (Boolean.TRUE.equals(facts.get("approximate"))) {
      parameters.append(", Ref cache: ").append(facts.get("ref_cache"));
    }
    return PictureMetadata.of(parameters.toString(), JsonText.of(facts));
  }

  /**
   * Reads the facts back.
   *
   * @throws PictureException when the file is no PNG
   * @throws Failure when it is not from this program
   */
  static Map<String, Object> read(Path picture) throws PictureException, Failure {
    Optional<String> text = PictureMetadata.read(picture).inkstone();
    if (text.isEmpty()) {
      throw Failure.usage(
          "no metadata of this program in " + picture,
          "only pictures that edit or generate wrote, without --no-metadata, have it");
    }
    try {
      Map<String, Object> facts = new LinkedHashMap<>();
      Json.parse(text.get(), picture.toString()).fields().forEach((k, v) -> facts.put(k, v.raw()));
      return facts;
    } catch (CheckpointException e) {
      throw Failure.usage(
          "the metadata in " + picture + " is damaged", "another program changed the picture", e);
    }
  }
}
