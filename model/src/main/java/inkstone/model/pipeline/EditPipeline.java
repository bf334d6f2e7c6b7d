package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Image;
import inkstone.model.image.Size;
import inkstone.model.image.Sizes;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Words and pictures to picture: diffusers' {@code QwenImageEditPlusPipeline}, and its first
 * generation {@code QwenImageEditPipeline}, which takes one picture and shows text encoder and VAE
 * the same pixels.
 */
final class EditPipeline {
  private final Components model;
  private final Denoiser denoiser;
  private final RefCache refCache;

  /**
   * @param refCache for requests that say nothing
   */
  EditPipeline(Components model, Denoiser denoiser, RefCache refCache) {
    this.model = model;
    this.denoiser = denoiser;
    this.refCache = refCache;
  }

  /** Decides, once all lengths are known, what the steps reuse, or that memory does not suffice. */
  @FunctionalInterface
  interface Chooser {
    ReuseChoice choose(
        RefCache wish, List<LatentGrid> grids, List<Integer> textTokens, VaeTilings tilings);
  }

  /**
   * All that the denoising loop needs.
   *
   * @param size of the result, in pixels
   * @param grids of the target, then of the references
   * @param imageTokens references filled in
   */
  record Inputs(
      Size size,
      List<LatentGrid> grids,
      VaeTilings tilings,
      PromptEmbeds embeds,
      ReuseChoice choice,
      Tensor imageTokens) {}

  Result run(Run run, EditRequest request) {
    Inputs in =
        prepare(
            run,
            request,
            (wish, grids, textTokens, tilings) ->
                Budget.choose(run, denoiser, wish, grids, textTokens, tilings, model.cache));
    Sampling sampling = request.sampling();

    // 4. Denoise
    run.stage(Stage.DENOISE);
    Tensor latents =
        denoiser.denoise(
            run,
            run.taps,
            sampling,
            in.grids,
            in.imageTokens,
            in.embeds,
            in.choice,
            in.tilings.decode());

    // 5. Decode
    run.stage(Stage.DECODE);
    Image image = decode(run, in, latents);
    return Results.of(
        run,
        image,
        request.prompt(),
        request.negativePrompt(),
        sampling,
        model,
        request.references());
  }

  /** The picture of the target's latents. */
  Image decode(Run run, Inputs in, Tensor latents) {
    return model.codec.decode(
        run.arena, latents, in.size.width(), in.size.height(), in.tilings.decode(), run.taps);
  }

  /** The stages before the denoising loop. */
  Inputs prepare(Run run, EditRequest request, Chooser chooser) {
    List<Image> references = request.references();
    boolean firstGeneration = model.pipelineClass == PipelineClass.QwenImageEditPipeline;
    if (firstGeneration && references.size() > 1) {
      throw new UnfitModelException(
          "model: QwenImageEditPipeline edits one picture, got "
              + references.size()
              + " references; give one -r, or open an Edit-2509 or Edit-2511 model");
    }
    RefCache wish = request.refCache() == null ? refCache : request.refCache();
    ReuseChoice.requireFit(wish.policy(), model.transformerConfig);

    // 1. Sizes: each reference once for the VAE, once for the text encoder
    run.stage(Stage.PREPARE_IMAGES);
    int pixelsPerToken = model.codec.pixelsPerToken;
    Size size = TargetSize.floor(run, targetSize(request), pixelsPerToken);
    List<PictureView> vaeImages = new ArrayList<>();
    List<PictureView> conditionImages = new ArrayList<>();
    for (Image reference : references) {
      Size vaeSize = Sizes.calculateDimensions(model.areas.vaeImageArea(), reference);
      PictureView vaeImage = new PictureView(reference, vaeSize);
      vaeImages.add(vaeImage);
      if (firstGeneration) {
        conditionImages.add(vaeImage);
      } else {
        Size seen = Sizes.calculateDimensions(model.areas.conditionImageArea(), reference);
        conditionImages.add(new PictureView(reference, seen));
      }
    }
    for (int i = 0; run.tapped && i < references.size(); i++) {
      TapValues.picture(run.arena, run.taps, "vae_input." + i, vaeImages.get(i).pixels());
      TapValues.picture(run.arena, run.taps, "condition." + i, conditionImages.get(i).pixels());
    }
    List<LatentGrid> grids = new ArrayList<>();
    grids.add(TargetSize.grid(size, pixelsPerToken));
    for (PictureView image : vaeImages) {
      grids.add(TargetSize.grid(image.size(), pixelsPerToken));
    }

    List<Size> vaeSizes = vaeImages.stream().map(PictureView::size).toList();
    VaeTilings tilings = VaeTilings.choose(request.vaeTiling(), model.codec, size, vaeSizes);
    Budget.check(denoiser, grids, List.of(1), tilings, model.cache);

    // 2. Prompt embeddings; the negative prompt sees the pictures too
    run.stage(Stage.ENCODE_PROMPT);
    PromptEmbeds embeds =
        model.promptEncoder.encode(
            run,
            model.pipelineClass.editTemplate,
            request.prompt(),
            request.negativePrompt(),
            request.sampling(),
            conditionImages);

    // 3. Reference latents, in order behind the target's rows
    run.stage(Stage.ENCODE_IMAGES);
    ReuseChoice choice = chooser.choose(wish, grids, embeds.tokens(), tilings);
    Tensor imageTokens = denoiser.imageTokens(run.arena, grids);
    long targetTokens = grids.getFirst().tokens();
    long row = targetTokens;
    for (int i = 0; i < vaeImages.size(); i++) {
      PictureView image = vaeImages.get(i);
      long end = row + grids.get(i + 1).tokens();
      Tensor tokens = imageTokens.rows(row, end);
      model.cache.reuse(
          run,
          () -> ContentKey.latents(image.seen(), tilings.encode()),
          tokens,
          () -> model.codec.encode(run.arena, tokens, image.pixels(), tilings.encode(), run.taps));
      row = end;
    }
    run.taps.tap("reference_latents", imageTokens.rows(targetTokens, imageTokens.dim(0)));
    return new Inputs(size, grids, tilings, embeds, choice, imageTokens);
  }

  private Size targetSize(EditRequest request) {
    List<Image> references = request.references();
    long area = model.areas.vaeImageArea();
    return switch (request.size()) {
      case OutputSize.Auto() -> Sizes.calculateDimensions(area, references.getLast());
      case OutputSize.Same() -> references.getFirst().size();
      case OutputSize.OfReference(int number) ->
          Sizes.calculateDimensions(area, references.get(number - 1));
      case OutputSize.Exact(int width, int height) -> new Size(width, height);
    };
  }
}
