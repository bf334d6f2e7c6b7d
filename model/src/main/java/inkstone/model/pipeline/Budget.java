package inkstone.model.pipeline;

import inkstone.model.dit.LatentGrid;
import java.util.List;

/** Asks, before it is used, whether the memory of a run will be there. */
final class Budget {
  private Budget() {}

  /**
   * Throws {@link InsufficientMemoryException} when the larger of transformer and VAE will not fit;
   * the one is freed before the other begins. Previews at full size are not counted.
   *
   * @param textTokens of each prompt that the transformer will run with; 1 stands for a length that
   *     is not known yet
   * @return the bytes that the image tokens and the larger of the two will take
   */
  static long check(
      Denoiser denoiser, List<LatentGrid> grids, List<Integer> textTokens, VaeTilings vae) {
    long states = 0;
    for (int tokens : textTokens) {
      states = Math.addExact(states, denoiser.stateBytes(tokens, grids));
    }
    long imageTokens = grids.stream().mapToLong(LatentGrid::tokens).sum();
    long bytes =
        denoiser.imageTokenBytes(grids)
            + Math.max(states + denoiser.imageTokenBytes(grids.subList(0, 1)), vae.bytes());
    MemoryCheck.require(bytes, "a run of " + imageTokens + " image tokens");
    return bytes;
  }
}
