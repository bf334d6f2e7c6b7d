package inkstone.model.pipeline;

import inkstone.loader.config.TransformerConfig;
import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.PassCost;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.SliceDrift;
import inkstone.model.kv.StepPlan;
import inkstone.model.kv.StepPlanner;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The passes that a denoising will do, planned by its own planner. What adaptive measures is not
 * known beforehand: it is taken to refresh as little as it may.
 */
final class PlanSteps {
  /** Equal ones are counted together. */
  private record Kind(StepPlan plan, boolean warm, boolean guidance, int textTokens) {}

  private final TransformerConfig config;
  private final List<LatentGrid> grids;
  private final ReuseChoice choice;
  private final Map<Kind, PassCost> costs = new HashMap<>();
  private final Map<Kind, Integer> counts = new LinkedHashMap<>();
  private final Map<Kind, Integer> firstStep = new HashMap<>();

  private PlanSteps(TransformerConfig config, List<LatentGrid> grids, ReuseChoice choice) {
    this.config = config;
    this.grids = grids;
    this.choice = choice;
  }

  /**
   * @param textTokens of each branch
   * @param sigmas noise levels of the steps, and the last
   */
  static Plan.Steps of(
      TransformerConfig config,
      List<LatentGrid> grids,
      ReuseChoice choice,
      List<Integer> textTokens,
      float[] sigmas) {
    return new PlanSteps(config, grids, choice).steps(textTokens, sigmas);
  }

  private Plan.Steps steps(List<Integer> textTokens, float[] sigmas) {
    int steps = sigmas.length - 1;
    boolean causal = choice.policy() instanceof KvPolicy.Causal;
    for (int reference = 0; causal && reference < grids.size() - 1; reference++) {
      count(new Kind(new StepPlan.Prefill(reference), false, false, textTokens.getFirst()), -1);
    }
    double off = 0;
    double full = 0;
    double[] perStep = new double[steps];
    for (int branch = 0; branch < textTokens.size(); branch++) {
      int tokens = textTokens.get(branch);
      StepPlanner planner = new StepPlanner(choice.policy(), sigmas);
      boolean filled = causal;
      for (int step = 0; step < steps; step++) {
        StepPlan plan = planner.plan(step, filled || !choice.policy().keepsKeys());
        // Branches share what is exact: the first pass of the prompt fills it.
        Kind kind = new Kind(plan, step > 0 || branch > 0, branch > 0, tokens);
        perStep[step] += count(kind, step).flop();
        planner.measured(SliceDrift.NONE);
        filled = true;
      }
      double everything = PassCost.of(config, tokens, grids, StepPlan.FULL, false, false).flop();
      full += PassCost.of(config, tokens, grids, StepPlan.FULL, choice.memo(), false).flop();
      off += steps * everything;
    }
    double least = full;
    for (double flop : perStep) {
      least = Math.min(least, flop);
    }
    return new Plan.Steps(steps, full, least, off, passes());
  }

  private PassCost count(Kind kind, int step) {
    counts.merge(kind, 1, Integer::sum);
    firstStep.putIfAbsent(kind, step);
    return costs.computeIfAbsent(
        kind, k -> PassCost.of(config, k.textTokens, grids, k.plan, choice.memo(), k.warm));
  }

  private List<Plan.Pass> passes() {
    List<Plan.Pass> passes = new ArrayList<>();
    counts.forEach((kind, count) -> {
      PassCost cost = costs.get(kind);
      passes.add(
          new Plan.Pass(
              word(kind.plan),
              !kind.warm,
              firstStep.get(kind),
              kind.textTokens,
              cost.linearFlop(),
              cost.attentionFlop(),
              kind.guidance && choice.memo() ? 0 : cost.modulations(),
              count));
    });
    return passes;
  }

  private static String word(StepPlan plan) {
    return switch (plan) {
      case StepPlan.Full f -> "full";
      case StepPlan.Cached c -> "cached";
      case StepPlan.Partial p -> "partial";
      case StepPlan.Prefill p -> "prefill";
    };
  }
}
