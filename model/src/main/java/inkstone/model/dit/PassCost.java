package inkstone.model.dit;

import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.kv.PassCounter;
import inkstone.model.kv.StepPlan;
import inkstone.model.lora.LoraNeeds;
import java.util.List;

/**
 * What one forward pass does, counted by the code that chooses the rows of a pass, over no memory.
 *
 * @param linearFlop operations of the blocks' linear layers over tokens
 * @param attentionFlop operations of their attention
 * @param modulations linear layers of one row that are computed: 2 · 6 · D² operations each
 */
public record PassCost(double linearFlop, double attentionFlop, long modulations) {
  /**
   * Of a pass.
   *
   * @param images grid of the target, then of the references in order
   * @param memo whether exact things are kept
   * @param warm whether an earlier pass of this run has filled what is kept
   */
  public static PassCost of(
      TransformerConfig config,
      int textTokens,
      List<LatentGrid> images,
      StepPlan plan,
      boolean memo,
      boolean warm) {
    try (TensorArena counting = TensorArena.counting("pass cost")) {
      DitState state = new DitState(counting, config, LoraNeeds.NONE, null, textTokens, images);
      ExactMemo kept = memo ? new ExactMemo(counting, config, List.of(textTokens), images) : null;
      if (memo && warm) {
        kept.assumeKnown();
      }
      BlockPass pass =
          new BlockPass(
              null,
              state,
              new ReferencePass(plan, List.of(), kept, 0),
              0,
              config.numLayers(),
              config.referenceMask() == ReferenceMask.SELF);
      long modulations = 0;
      for (int layer = 0; layer < config.numLayers(); layer++) {
        for (DitState.Condition condition : pass.conditions(layer)) {
          boolean recalled = memo && warm && condition == DitState.Condition.REFERENCE;
          modulations += recalled ? 0 : 1;
        }
        pass.parts(layer).forEach(pass::attended);
        pass.end(layer);
      }
      PassCounter counter = state.counter();
      return new PassCost(
          counter.flop() - counter.attentionFlop(), counter.attentionFlop(), modulations);
    }
  }

  /** All operations of the blocks; modulations are not in it, as in {@link PassCounter#flop}. */
  public double flop() {
    return linearFlop + attentionFlop;
  }
}
