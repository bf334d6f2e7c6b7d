package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.text.PromptTemplate;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;

/**
 * Off-heap bytes of a run, stage by stage, as the code that allocates counts them. Nothing is taken
 * as remembered from earlier runs, so a run never needs more.
 *
 * @param latents image tokens of target and references, packed
 * @param activations in the run's memory at each stage, what earlier stages left included
 * @param scratch of the workers, up to each stage
 * @param remembered what the engine keeps for later runs, up to each stage
 */
record RunMemory(
    long latents,
    Map<Stage, Long> activations,
    Map<Stage, Long> scratch,
    Map<Stage, Long> remembered) {

  /** Stages that allocate off the heap. */
  static final List<Stage> STAGES =
      List.of(Stage.ENCODE_PROMPT, Stage.ENCODE_IMAGES, Stage.DENOISE, Stage.DECODE);

  /**
   * Of a run.
   *
   * @param text what the prompts take
   * @param keptBytes what the steps keep for later steps
   * @param keptAfter part of that which outlives the denoising
   */
  static RunMemory of(
      Components model,
      Denoiser denoiser,
      RunShape shape,
      VaeTilings tilings,
      PromptEncoder.Need text,
      long keptBytes,
      long keptAfter) {
    List<LatentGrid> grids = shape.grids();
    List<Integer> tokens = text.lengths().stream().map(TextLength::kept).toList();
    long images = denoiser.imageTokenBytes(grids);
    long target = denoiser.imageTokenBytes(grids.subList(0, 1));
    long base = text.kept() + images;
    long states = 0;
    for (int branch : tokens) {
      states = Math.addExact(states, denoiser.stateBytes(branch, grids));
    }
    Map<Stage, Long> activations = new EnumMap<>(Stage.class);
    activations.put(Stage.ENCODE_PROMPT, text.peak());
    activations.put(
        Stage.ENCODE_IMAGES,
        base + VaeTilings.encodeBytes(model.codec, shape.vaeSizes(), tilings.encode()));
    activations.put(Stage.DENOISE, base + states + target + keptBytes);
    activations.put(
        Stage.DECODE, base + keptAfter + model.codec.decodeBytes(shape.size(), tilings.decode()));

    long vae = model.codec.scratchBytes();
    long encode = shape.vaeSizes().isEmpty() ? text.scratch() : Math.max(text.scratch(), vae);
    long denoise = Math.max(encode, denoiser.scratchBytes(tokens, grids));
    Map<Stage, Long> scratch = new EnumMap<>(Stage.class);
    scratch.put(Stage.ENCODE_PROMPT, text.scratch());
    scratch.put(Stage.ENCODE_IMAGES, encode);
    scratch.put(Stage.DENOISE, denoise);
    scratch.put(Stage.DECODE, Math.max(denoise, vae));

    Map<Stage, Long> remembered = new EnumMap<>(Stage.class);
    remembered.put(Stage.ENCODE_PROMPT, model.cache.bounded(text.remembered()));
    for (Stage stage : STAGES.subList(1, STAGES.size())) {
      remembered.put(stage, model.cache.bounded(text.remembered() + images - target));
    }
    return new RunMemory(images, activations, scratch, remembered);
  }

  /** What the prompts of a request take. */
  static PromptEncoder.Need text(Components model, PlanRequest request, RunShape shape) {
    PromptTemplate template =
        request.references().isEmpty()
            ? PromptTemplate.TEXT_TO_IMAGE
            : model.pipelineClass.editTemplate;
    List<String> prompts = new ArrayList<>();
    prompts.add(request.prompt());
    if (request.guided()) {
      prompts.add(request.negativePrompt());
    }
    return model.promptEncoder.need(template, prompts, shape.seenSizes());
  }

  /** How the VAE works in such a run. */
  static VaeTilings tilings(Components model, Denoiser denoiser, PlanRequest request, RunShape s) {
    return VaeTilings.choose(
        request.vaeTiling(), model.codec, denoiser.memory(), s.size(), s.vaeSizes());
  }

  /** What a stage takes in all. */
  long bytes(Stage stage) {
    return activations.get(stage) + scratch.get(stage) + remembered.get(stage);
  }

  /** Where {@link #peak} is. */
  Stage peakStage() {
    Stage largest = STAGES.getFirst();
    for (Stage stage : STAGES) {
      largest = bytes(stage) > bytes(largest) ? stage : largest;
    }
    return largest;
  }

  /** The most at once without what is only remembered, which gives way to a run. */
  long required() {
    return STAGES.stream()
        .mapToLong(stage -> activations.get(stage) + scratch.get(stage))
        .max()
        .orElse(0);
  }

  /** The most that the run takes at once. */
  long peak() {
    return bytes(peakStage());
  }
}
