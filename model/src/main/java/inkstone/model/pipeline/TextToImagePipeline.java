package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Image;
import inkstone.model.image.Size;
import inkstone.model.image.Sizes;
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
    Size size =
        switch (request.size()) {
          case OutputSize.Exact(int width, int height) -> new Size(width, height);
          default -> Sizes.calculateDimensions(model.areas.vaeImageArea(), 1.0);
        };
    size = TargetSize.floor(run, size, model.codec.pixelsPerToken);
    List<LatentGrid> grids = List.of(TargetSize.grid(size, model.codec.pixelsPerToken));
    VaeTilings tilings = VaeTilings.choose(request.vaeTiling(), model.codec, size, List.of());
    Budget.check(denoiser, grids, List.of(1), tilings, model.cache);

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
