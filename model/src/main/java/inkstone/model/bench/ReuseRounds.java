package inkstone.model.bench;

import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import inkstone.ops.Compute;
import java.util.ArrayList;
import java.util.List;

/**
 * Measures a denoising loop with and without reuse. In each round every loop runs once, from its
 * noise to its last step, and they take turns step by step, so that what slows the machine down for
 * a while slows all of them.
 */
public final class ReuseRounds {
  private ReuseRounds() {}

  /**
   * Checks that reuse changes nothing where nothing is stale, then measures.
   *
   * @param runs rounds, 1 or more
   * @throws IllegalStateException when a result is wrong
   */
  public static ReuseResult measure(BenchSession session, ReuseCase of, int runs) {
    Compute compute = session.compute(of.step().threads());
    int text = of.step().size("text");
    try (DitRig rig =
        new DitRig(compute, of.step(), of.zeroCondT(), text, DitRig.images(of.step()))) {
      ReuseCheck.passes(compute, rig, of); // warms up too: each kind of pass runs
      KvLayout layout = ReuseLoop.layout(rig, of);
      ReuseLoop off = new ReuseLoop(compute, rig, of, KvPolicy.off(), false);
      ReuseLoop keys = layout == null ? null : new ReuseLoop(compute, rig, of, of.policy(), false);
      ReuseLoop edit =
          of.policy() instanceof KvPolicy.Off
              ? null
              : new ReuseLoop(compute, rig, of, of.policy(), true);
      List<ReuseLoop> loops = new ArrayList<>();
      loops.add(off);
      if (keys != null) {
        loops.add(keys);
      }
      if (edit != null) {
        loops.add(edit);
      }
      for (int run = 0; run < runs; run++) {
        round(loops, of.steps());
      }
      double formulaFlop = keys == null ? 0 : ReuseCheck.flop(rig, keys.plans());
      ReuseCheck.requireCounted("off", ReuseCheck.flop(rig, off.plans()), off.figures().flop());
      if (keys != null) {
        ReuseCheck.requireCounted(of.policy().word(), formulaFlop, keys.figures().flop());
      }
      return new ReuseResult(
          of,
          rig.tokens(),
          rig.referenceTokens(),
          off.figures(),
          keys == null ? null : keys.figures(),
          edit == null ? null : edit.figures(),
          layout == null ? 0 : ReuseCheck.bytes(rig, layout),
          formulaFlop);
    }
  }

  private static void round(List<ReuseLoop> loops, int steps) {
    try {
      loops.forEach(ReuseLoop::begin);
      for (int step = 0; step < steps; step++) {
        for (ReuseLoop loop : loops) {
          loop.step(step);
        }
      }
      loops.forEach(ReuseLoop::end);
    } finally {
      loops.forEach(ReuseLoop::close);
    }
  }
}
