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
   * @param cache gives up what it remembers, the least recently used first, before a run is refused
   * @return the bytes that the image tokens and the larger of the two will take
   */
  static long check(
      Denoiser denoiser,
      List<LatentGrid> grids,
      List<Integer> textTokens,
      VaeTilings vae,
      ContentCache cache) {
    long bytes = bytes(denoiser, grids, textTokens, vae, 0);
    long imageTokens = grids.stream().mapToLong(LatentGrid::tokens).sum();
    long missing = denoiser.memory().missingBytes(bytes);
    cache.makeRoom(missing);
    denoiser.makeRoom(missing);
    denoiser.memory().require(bytes, "a run of " + imageTokens + " image tokens");
    return bytes;
  }

  /**
   * {@link #check}, then what the run may reuse with the memory that is left; tells the listener
   * what the run will take.
   */
  static ReuseChoice choose(
      Run run,
      Denoiser denoiser,
      RefCache wish,
      List<LatentGrid> grids,
      List<Integer> textTokens,
      VaeTilings vae,
      ContentCache cache) {
    long needed = check(denoiser, grids, textTokens, vae, cache);
    long wanted = ReuseChoice.wantedBytes(denoiser, wish, textTokens, grids);
    long spare = denoiser.memory().spareBytes(needed, wanted);
    ReuseChoice choice = ReuseChoice.of(run.warnings, denoiser, wish, textTokens, grids, spare);
    run.listener.memory(
        run.arena.allocatedBytes() + bytes(denoiser, grids, textTokens, vae, choice.bytes()));
    return choice;
  }

  /** Image tokens, and transformer with what it keeps, or VAE, whichever takes more. */
  private static long bytes(
      Denoiser denoiser,
      List<LatentGrid> grids,
      List<Integer> textTokens,
      VaeTilings vae,
      long kept) {
    long states = 0;
    for (int tokens : textTokens) {
      states = Math.addExact(states, denoiser.stateBytes(tokens, grids));
    }
    return denoiser.imageTokenBytes(grids)
        + Math.max(states + kept + denoiser.imageTokenBytes(grids.subList(0, 1)), vae.bytes());
  }
}
