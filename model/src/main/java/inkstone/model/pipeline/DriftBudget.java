package inkstone.model.pipeline;

import inkstone.loader.config.TransformerConfig;
import inkstone.model.dit.LatentGrid;
import java.util.List;

/** Asks, before it is used, whether the memory of a drift report will be there. */
final class DriftBudget implements EditPipeline.Chooser {
  private final Run run;
  private final Denoiser denoiser;
  private final ContentCache cache;
  private final int steps;

  /**
   * @param cache gives up what it remembers before a report is refused
   */
  DriftBudget(Run run, Denoiser denoiser, ContentCache cache, int steps) {
    this.run = run;
    this.denoiser = denoiser;
    this.cache = cache;
    this.steps = steps;
  }

  /**
   * What the policy may reuse with the memory that is left beside both runs; tells the listener
   * what the report will take.
   */
  @Override
  public ReuseChoice choose(
      RefCache wish, List<LatentGrid> grids, List<Integer> textTokens, VaeTilings tilings) {
    Sizes sizes = new Sizes(grids, textTokens, tilings);
    long needed = bytes(sizes, ReuseChoice.off(), 0);
    long wanted = ReuseChoice.wantedBytes(denoiser, wish, textTokens, grids);
    makeRoom(needed + wanted);
    require(needed, sizes);
    long spare = denoiser.memory().spareBytes(needed, wanted);
    ReuseChoice choice =
        ReuseChoice.of(run.warnings, denoiser, wish, textTokens, grids, spare).withoutBank();
    long compared = KeyValueDrift.bytes(denoiser.config(), choice, grids);
    long bytes = bytes(sizes, choice, compared);
    makeRoom(bytes);
    require(bytes, sizes);
    run.listener.memory(run.arena.allocatedBytes() + bytes);
    return choice;
  }

  private record Sizes(List<LatentGrid> grids, List<Integer> textTokens, VaeTilings tilings) {}

  private void makeRoom(long bytes) {
    long missing = denoiser.memory().missingBytes(bytes);
    cache.makeRoom(missing);
    denoiser.makeRoom(missing);
  }

  private void require(long bytes, Sizes sizes) {
    long tokens = sizes.grids.stream().mapToLong(LatentGrid::tokens).sum();
    denoiser.memory().require(bytes, "a drift report of " + tokens + " image tokens");
  }

  /**
   * Image tokens, the latents of each step, and the largest of: both runs side by side, one run
   * over rounded inputs, the VAE.
   */
  private long bytes(Sizes sizes, ReuseChoice choice, long compared) {
    TransformerConfig config = denoiser.config();
    long states = 0;
    long text = 0;
    for (int tokens : sizes.textTokens) {
      states = Math.addExact(states, denoiser.stateBytes(tokens, sizes.grids));
      text += tokens * (long) config.jointAttentionDim() * Float.BYTES;
    }
    long images = denoiser.imageTokenBytes(sizes.grids);
    long target = denoiser.imageTokenBytes(sizes.grids.subList(0, 1));
    long both = 2 * states + choice.bytes() + compared + 2 * target;
    long rounded = images + text + (images - target + text) / 2;
    long alone = Math.max(states + choice.bytes() + target, sizes.tilings.bytes());
    long last = rounded + Math.max(states + target, sizes.tilings.bytes());
    return images + steps * target + Math.max(both, Math.max(alone, last));
  }
}
