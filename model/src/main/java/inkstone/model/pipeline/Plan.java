package inkstone.model.pipeline;

import inkstone.model.image.Size;
import inkstone.model.kv.KvDtype;
import java.util.List;

/**
 * What a run would take, told from headers and sizes alone.
 *
 * @param engine as {@link Inkstone#describe}
 * @param size of the result in pixels
 * @param references as the VAE sees them
 * @param textTokens that the text encoder reads, of each branch of guidance
 * @param imageTokens of target and references
 * @param parts of the model, mapped
 * @param copiedBytes of weights that are laid out anew in memory
 * @param latentBytes of target and references
 * @param stages in order
 * @param reuse what steps reuse
 * @param caches bytes of kept keys and values by policy and type
 * @param steps what the denoising does
 * @param processBytes anonymous memory of this process beside the run: Java itself
 * @param availableBytes that the run may take
 * @param requiredBytes without which it can't run: the peak with nothing kept or remembered
 * @param advice what would fit; null when the run does
 * @param warnings what is not as asked
 * @param shapes what is to be timed
 */
public record Plan(
    String engine,
    Size size,
    List<Size> references,
    List<Integer> textTokens,
    long imageTokens,
    List<PlanPart> parts,
    long copiedBytes,
    long latentBytes,
    List<StageCost> stages,
    Reuse reuse,
    List<CacheSize> caches,
    Steps steps,
    long processBytes,
    long availableBytes,
    long requiredBytes,
    String advice,
    List<String> warnings,
    PlanShapes shapes) {

  /**
   * A stage.
   *
   * @param activationBytes in the run's memory, what earlier stages left included
   * @param scratchBytes of the workers
   * @param rememberedBytes kept for later runs
   * @param anonymousBytes of the whole process at that time
   * @param flop operations
   */
  public record StageCost(
      Stage stage,
      long activationBytes,
      long scratchBytes,
      long rememberedBytes,
      long anonymousBytes,
      double flop) {}

  /**
   * What steps reuse, after model and memory had their say.
   *
   * @param bytes of keys, values and what never changes
   */
  public record Reuse(String policy, KvDtype dtype, boolean approximate, long bytes) {}

  /**
   * Kept keys and values.
   *
   * @param policy its name
   * @param note why a run can't have it; empty when it can
   */
  public record CacheSize(String policy, KvDtype dtype, long bytes, String note) {}

  /**
   * What the denoising does.
   *
   * @param count of steps
   * @param fullFlop operations of a step that computes everything once, all branches
   * @param reusedFlop operations of the cheapest step
   * @param offFlop operations of all steps without reuse
   * @param passes kinds of passes, with how often each is done
   */
  public record Steps(
      int count, double fullFlop, double reusedFlop, double offFlop, List<Pass> passes) {
    public Steps {
      passes = List.copyOf(passes);
    }
  }

  /**
   * Equal passes.
   *
   * @param kind full, cached, partial or prefill
   * @param first whether it is the first of its branch, which fills what is kept
   * @param step the first step that does it, from 0; -1 for one before all steps
   * @param textTokens of its branch
   * @param linearFlop of the linear layers over tokens
   * @param attentionFlop of attention
   * @param modulations one-row linear layers
   * @param count how often
   */
  public record Pass(
      String kind,
      boolean first,
      int step,
      int textTokens,
      double linearFlop,
      double attentionFlop,
      long modulations,
      int count) {}

  public Plan {
    references = List.copyOf(references);
    textTokens = List.copyOf(textTokens);
    parts = List.copyOf(parts);
    stages = List.copyOf(stages);
    caches = List.copyOf(caches);
    warnings = List.copyOf(warnings);
  }

  /** The stage with the most anonymous memory. */
  public StageCost peak() {
    StageCost largest = stages.getFirst();
    for (StageCost stage : stages) {
      largest = stage.anonymousBytes() > largest.anonymousBytes() ? stage : largest;
    }
    return largest;
  }

  /** Whether the run can be done. */
  public boolean fits() {
    return advice == null;
  }

  /** Mapped bytes of all parts. */
  public long mappedBytes() {
    return parts.stream().mapToLong(PlanPart::bytes).sum();
  }
}
