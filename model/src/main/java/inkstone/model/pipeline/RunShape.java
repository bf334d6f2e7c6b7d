package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Size;
import inkstone.model.image.Sizes;
import java.util.ArrayList;
import java.util.List;

/**
 * Every size of a run, which follows from the sizes in its request alone.
 *
 * @param size of the result, in pixels
 * @param vaeSizes at which the VAE sees each reference
 * @param seenSizes at which the text encoder sees each reference
 * @param grids of the target, then of the references
 */
record RunShape(Size size, List<Size> vaeSizes, List<Size> seenSizes, List<LatentGrid> grids) {
  RunShape {
    vaeSizes = List.copyOf(vaeSizes);
    seenSizes = List.copyOf(seenSizes);
    grids = List.copyOf(grids);
  }

  /**
   * Of a run with these references, or without any.
   *
   * @param warnings told when a side is floored
   * @throws UnfitModelException when the model takes fewer references
   */
  static RunShape of(
      Components model, OutputSize wish, List<Size> references, List<String> warnings) {
    boolean firstGeneration = model.pipelineClass == PipelineClass.QwenImageEditPipeline;
    if (firstGeneration && references.size() > 1) {
      throw new UnfitModelException(
          "model: QwenImageEditPipeline edits one picture, got "
              + references.size()
              + " references; give one -r, or open an Edit-2509 or Edit-2511 model");
    }
    int pixelsPerToken = model.codec.pixelsPerToken;
    Size size = TargetSize.floor(warnings, target(model, wish, references), pixelsPerToken);
    List<Size> vaeSizes = new ArrayList<>();
    List<Size> seenSizes = new ArrayList<>();
    List<LatentGrid> grids = new ArrayList<>();
    grids.add(TargetSize.grid(size, pixelsPerToken));
    for (Size reference : references) {
      Size vaeSize = Sizes.calculateDimensions(model.areas.vaeImageArea(), reference);
      vaeSizes.add(vaeSize);
      seenSizes.add(
          firstGeneration
              ? vaeSize
              : Sizes.calculateDimensions(model.areas.conditionImageArea(), reference));
      grids.add(TargetSize.grid(vaeSize, pixelsPerToken));
    }
    return new RunShape(size, vaeSizes, seenSizes, grids);
  }

  private static Size target(Components model, OutputSize wish, List<Size> references) {
    long area = model.areas.vaeImageArea();
    return switch (wish) {
      case OutputSize.Exact(int width, int height) -> new Size(width, height);
      case OutputSize.Auto() when references.isEmpty() -> Sizes.calculateDimensions(area, 1.0);
      case OutputSize.Auto() -> Sizes.calculateDimensions(area, references.getLast());
      case OutputSize.Same() -> references.getFirst();
      case OutputSize.OfReference(int number) ->
          Sizes.calculateDimensions(area, references.get(number - 1));
    };
  }
}
