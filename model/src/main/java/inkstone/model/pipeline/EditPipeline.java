package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Image;
import inkstone.model.image.Size;
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
    List<Size> given = references.stream().map(Image::size).toList();
    RunShape shape = RunShape.of(model, request.size(), given, run.warnings);
    RefCache wish = request.refCache() == null ? refCache : request.refCache();
    ReuseChoice.requireFit(wish.policy(), model.transformerConfig);

    // 1. Sizes: each reference once for the VAE, once for the text encoder
    run.stage(Stage.PREPARE_IMAGES);
    Size size = shape.size();
    List<PictureView> vaeImages = new ArrayList<>();
    List<PictureView> conditionImages = new ArrayList<>();
    for (int i = 0; i < references.size(); i++) {
      Size vaeSize = shape.vaeSizes().get(i);
      Size seen = shape.seenSizes().get(i);
      PictureView vaeImage = new PictureView(references.get(i), vaeSize);
      vaeImages.add(vaeImage);
      // One view of the same size is scaled once.
      conditionImages.add(
          seen.equals(vaeSize) ? vaeImage : new PictureView(references.get(i), seen));
    }
    for (int i = 0; run.tapped && i < references.size(); i++) {
      TapValues.picture(run.arena, run.taps, "vae_input." + i, vaeImages.get(i).pixels());
      TapValues.picture(run.arena, run.taps, "condition." + i, conditionImages.get(i).pixels());
    }
    List<LatentGrid> grids = shape.grids();
    VaeTilings tilings =
        VaeTilings.choose(
            request.vaeTiling(), model.codec, denoiser.memory(), size, shape.vaeSizes());
    RunCheck.require(run, model, denoiser, PlanRequest.of(request), shape, tilings);

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
    run.hold(model.vae); // for all references
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
}
