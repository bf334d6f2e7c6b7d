package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Image;
import inkstone.model.image.Resize;
import inkstone.model.image.Size;
import inkstone.model.image.Sizes;
import inkstone.model.text.ImageFeatures;
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

  EditPipeline(Components model, Denoiser denoiser) {
    this.model = model;
    this.denoiser = denoiser;
  }

  Result run(Run run, EditRequest request) {
    List<Image> references = request.references();
    boolean firstGeneration = model.pipelineClass == PipelineClass.QwenImageEditPipeline;
    if (firstGeneration && references.size() > 1) {
      throw new UnfitModelException(
          "model: QwenImageEditPipeline edits one picture, got "
              + references.size()
              + " references; give one -r, or open an Edit-2509 or Edit-2511 model");
    }
    Sampling sampling = request.sampling();

    // 1. Sizes and pixels: each reference once for the VAE, once for the text encoder
    run.stage(Stage.PREPARE_IMAGES);
    int pixelsPerToken = model.codec.pixelsPerToken;
    Size size = TargetSize.floor(run, targetSize(request), pixelsPerToken);
    List<Image> vaeImages = new ArrayList<>();
    List<Image> conditionImages = new ArrayList<>();
    for (Image reference : references) {
      Size vaeSize = Sizes.calculateDimensions(model.areas.vaeImageArea(), reference);
      Image vaeImage = Resize.lanczos(reference, vaeSize.width(), vaeSize.height());
      vaeImages.add(vaeImage);
      if (firstGeneration) {
        conditionImages.add(vaeImage);
      } else {
        Size seen = Sizes.calculateDimensions(model.areas.conditionImageArea(), reference);
        conditionImages.add(Resize.lanczos(reference, seen.width(), seen.height()));
      }
    }
    for (int i = 0; run.tapped && i < references.size(); i++) {
      TapValues.picture(run.arena, run.taps, "vae_input." + i, vaeImages.get(i));
      TapValues.picture(run.arena, run.taps, "condition." + i, conditionImages.get(i));
    }
    List<LatentGrid> grids = new ArrayList<>();
    grids.add(TargetSize.grid(size, pixelsPerToken));
    for (Image image : vaeImages) {
      grids.add(TargetSize.grid(image.size(), pixelsPerToken));
    }

    VaeTilings tilings = VaeTilings.choose(request.vaeTiling(), model.codec, size, vaeImages);
    Budget.check(denoiser, grids, List.of(1), tilings);

    // 2. Prompt embeddings; the negative prompt sees the pictures too
    run.stage(Stage.ENCODE_PROMPT);
    List<ImageFeatures> seen = model.promptEncoder.look(run, conditionImages);
    PromptEmbeds embeds =
        model.promptEncoder.encode(
            run,
            model.pipelineClass.editTemplate,
            request.prompt(),
            request.negativePrompt(),
            sampling,
            seen);

    // 3. Reference latents, in order behind the target's rows
    run.stage(Stage.ENCODE_IMAGES);
    long needed = Budget.check(denoiser, grids, embeds.tokens(), tilings);
    run.listener.memory(run.arena.allocatedBytes() + needed);
    Tensor imageTokens = denoiser.imageTokens(run.arena, grids);
    long targetTokens = grids.getFirst().tokens();
    long row = targetTokens;
    for (int i = 0; i < vaeImages.size(); i++) {
      long end = row + grids.get(i + 1).tokens();
      model.codec.encode(
          run.arena, imageTokens.rows(row, end), vaeImages.get(i), tilings.encode(), run.taps);
      row = end;
    }
    run.taps.tap("reference_latents", imageTokens.rows(targetTokens, imageTokens.dim(0)));

    // 4. Denoise
    run.stage(Stage.DENOISE);
    Tensor latents = denoiser.denoise(run, sampling, grids, imageTokens, embeds, tilings.decode());

    // 5. Decode
    run.stage(Stage.DECODE);
    Image image =
        model.codec.decode(
            run.arena, latents, size.width(), size.height(), tilings.decode(), run.taps);
    return Results.of(
        run, image, request.prompt(), request.negativePrompt(), sampling, model, references);
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
