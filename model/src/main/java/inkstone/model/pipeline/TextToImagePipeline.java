package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Image;
import inkstone.model.image.Size;
import inkstone.model.text.PromptTemplate;
import inkstone.tensor.Tensor;
import java.util.List;

/** Words to picture: diffusers' {@code QwenImagePipeline}. */
final class TextToImagePipeline {
  private final Components model;
  private final Denoiser denoiser;
  private final RefCache refCache;

  /**
   * @param refCache what steps reuse; there is no reference whose keys could be kept
   */
  TextToImagePipeline(Components model, Denoiser denoiser, RefCache refCache) {
    this.model = model;
    this.denoiser = denoiser;
    this.refCache = refCache;
  }

  Result run(Run run, GenerateRequest request) {
    // 1. Size
    RunShape shape = RunShape.of(model, request.size(), List.of(), run.warnings);
    Size size = shape.size();
    List<LatentGrid> grids = shape.grids();
    VaeTilings tilings =
        VaeTilings.choose(request.vaeTiling(), model.codec, denoiser.memory(), size, List.of());
    RunCheck.require(run, model, denoiser, PlanRequest.of(request), shape, tilings);

    // 2. Prompt embeddings
    run.stage(Stage.ENCODE_PROMPT);
    Sampling sampling = request.sampling();
    PromptEmbeds embeds =
        model.promptEncoder.encode(
            run,
            PromptTemplate.TEXT_TO_IMAGE,
            request.prompt(),
            request.negativePrompt(),
            sampling,
            List.of());

    // 3. Denoise
    run.stage(Stage.DENOISE);
    ReuseChoice choice =
        Budget.choose(run, denoiser, refCache, grids, embeds.tokens(), tilings, model.cache);
    Tensor imageTokens = denoiser.imageTokens(run.arena, grids);
    Tensor latents =
        denoiser.denoise(
            run, run.taps, sampling, grids, imageTokens, embeds, choice, tilings.decode());

    // 4. Decode
    run.stage(Stage.DECODE);
    Image image =
        model.codec.decode(
            run.arena, latents, size.width(), size.height(), tilings.decode(), run.taps);
    return Results.of(
        run, image, request.prompt(), request.negativePrompt(), sampling, model, List.of());
  }
}
