package inkstone.model.dit;

import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import java.util.List;

/**
 * What one forward pass may reuse, and what it has to keep.
 *
 * @param plan what to compute
 * @param caches kept keys and values: none, one of all references, or one of each reference (which
 *     {@link StepPlan.Prefill} fills one by one)
 * @param memo exact things that passes share, or null for none
 * @param branch of guidance, which has its own text: 0 for the prompt
 */
public record ReferencePass(
    StepPlan plan, List<ReferenceKvCache> caches, ExactMemo memo, int branch) {
  /** Everything anew. */
  public static final ReferencePass NONE = new ReferencePass(StepPlan.FULL, List.of(), null, 0);

  public ReferencePass {
    caches = List.copyOf(caches);
  }
}
