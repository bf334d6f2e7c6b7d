package inkstone.model.bench;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.ExactMemo;
import inkstone.model.dit.ReferencePass;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import inkstone.model.kv.StepPlanner;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.List;

/**
 * What must hold before reuse is timed, and the formulas that it is held against.
 *
 * <p>A step that reads kept keys and values at the very latents and timestep that filled them sees
 * nothing stale: it gives what the full step gave, bit for bit when they are kept as F32.
 */
final class ReuseCheck {
  /** Of the largest velocity, for stores that round; it tells a wrong row, not a rounded one. */
  private static final double ROUNDED = 0.05;

  /** Operations are counted in another order than the formula adds them. */
  private static final double COUNTING = 1e-12;

  private static final float TIMESTEP = 1;

  private ReuseCheck() {}

  /** The first plan of a loop that leaves reference rows out; null when none does. */
  static StepPlan reusingPlan(ReuseCase of) {
    StepPlanner planner = new StepPlanner(of.policy(), ReuseLoop.sigmas(of.steps()));
    for (int step = 0; step < of.steps(); step++) {
      StepPlan plan = planner.plan(step, step > 0);
      if (!(plan instanceof StepPlan.Full)) {
        return plan;
      }
    }
    return null;
  }

  /**
   * Runs each kind of pass of the case.
   *
   * @throws IllegalStateException when one gives something else than the full pass
   */
  static void passes(Compute compute, DitRig rig, ReuseCase of) {
    try (TensorArena arena = TensorArena.open("bench check")) {
      Tensor first = forward(rig, ReferencePass.NONE);
      Results.requireFinite("velocity", first);
      Tensor off = Tensor.f32(arena, "off", first.dim(0), first.dim(1));
      off.copyFrom(first);
      KvLayout layout = ReuseLoop.layout(rig, of);
      StepPlan plan = reusingPlan(of);
      ExactMemo memo = rig.newMemo(arena);
      if (layout == null || plan == null) {
        same("exact", off, rig, new ReferencePass(StepPlan.FULL, List.of(), memo, 0));
        same("exact, again", off, rig, new ReferencePass(StepPlan.FULL, List.of(), memo, 0));
        return;
      }
      ReferenceKvCache cache = ReferenceKvCache.open(compute, arena, layout);
      if (cache.bytes() != bytes(rig, layout)) {
        throw Results.wrong("bytes of the cache", bytes(rig, layout) + "", cache.bytes());
      }
      List<ReferenceKvCache> caches = List.of(cache);
      for (ExactMemo used : new ExactMemo[] {null, memo}) {
        String how = used == null ? "" : " beside exact things";
        same(
            "a step that keeps" + how, off, rig, new ReferencePass(StepPlan.FULL, caches, used, 0));
        ReferencePass reusing = new ReferencePass(plan, caches, used, 0);
        String what = "a step that reuses" + how;
        if (of.store() == KvDtype.F32) {
          same(what, off, rig, reusing);
        } else {
          Tensor velocity = forward(rig, reusing);
          Results.requireFinite(what, velocity);
          Results.requireClose(what, off, velocity, ROUNDED);
        }
      }
    }
  }

  private static void same(String what, Tensor off, DitRig rig, ReferencePass pass) {
    Results.requireSame(what, off, forward(rig, pass));
  }

  private static Tensor forward(DitRig rig, ReferencePass pass) {
    return rig.forward(pass, rig.imageTokens(), TIMESTEP, Taps.NONE);
  }

  /** {@code layers · 2 · R · D · bytes}, for INT8 with a scale a head, and rows to resume from. */
  static long bytes(DitRig rig, KvLayout layout) {
    long inner = rig.config().innerDim();
    long element =
        switch (layout.dtype()) {
          case F32 -> Float.BYTES;
          case BF16, F16 -> Short.BYTES;
          case INT8 -> Byte.BYTES;
        };
    long scales = layout.dtype() == KvDtype.INT8 ? 4L * rig.config().numAttentionHeads() : 0;
    long kept = layout.layers() * 2 * rig.referenceTokens() * (inner * element + scales);
    return kept + (layout.resumes() ? 4 * inner * rig.referenceTokens() : 0);
  }

  /** {@code Σ 24·D²·q + 4·D·q·N} of a loop whose steps compute q rows in each block. */
  static double flop(DitRig rig, List<StepPlan> plans) {
    double inner = rig.config().innerDim();
    double flop = 0;
    for (StepPlan plan : plans) {
      for (int layer = 0; layer < rig.config().numLayers(); layer++) {
        double rows = rows(rig, plan, layer);
        flop += 24 * inner * inner * rows + 4 * inner * rows * rig.tokens();
      }
    }
    return flop;
  }

  private static long rows(DitRig rig, StepPlan plan, int layer) {
    long references = rig.referenceTokens();
    long without = rig.tokens() - references;
    return switch (plan) {
      case StepPlan.Full f -> rig.tokens();
      case StepPlan.Cached c ->
          layer >= c.firstLayer() && layer <= c.lastLayer() ? without : rig.tokens();
      case StepPlan.Partial p -> without + p.rows(references).length;
      case StepPlan.Prefill p -> 0;
    };
  }

  /** The loop did what the formula says, no more and no less. */
  static void requireCounted(String what, double formula, double counted) {
    // Not written as error > …: NaN must fail.
    if (!(Math.abs(counted - formula) <= COUNTING * formula)) {
      throw Results.wrong("operations of " + what, formula + " by the formula", counted);
    }
  }
}
