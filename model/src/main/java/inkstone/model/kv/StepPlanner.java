package inkstone.model.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * Turns a policy into one {@link StepPlan} a step, for one branch of guidance. It depends on
 * nothing but the policy, the sigmas and the drift that the passes measured, so equal runs get
 * equal plans.
 */
public final class StepPlanner {
  /** Slices of {@link KvPolicy.Adaptive}: an eighth of the rows is the least it refreshes. */
  static final int ADAPTIVE_GROUPS = 8;

  /** Full steps at the start of {@link KvPolicy.Adaptive}: the second measures the first drift. */
  static final int ADAPTIVE_WARMUP = 2;

  private final KvPolicy policy;
  private final float[] sigmas;
  private final double[] refreshedAt = new double[ADAPTIVE_GROUPS];
  private StepPlan last = StepPlan.FULL;
  private int lastStep = -1;
  private double driftPerSigma;

  /**
   * @param sigmas noise level at the start of each step, then the end
   */
  public StepPlanner(KvPolicy policy, float[] sigmas) {
    this.policy = policy;
    this.sigmas = sigmas.clone();
  }

  /**
   * The plan of a step.
   *
   * @param step from 0, ascending
   * @param filled whether all rows are kept; without, every policy but causal needs a full pass
   */
  public StepPlan plan(int step, boolean filled) {
    lastStep = step;
    last = filled ? planned(step) : StepPlan.FULL;
    return last;
  }

  private StepPlan planned(int step) {
    return switch (policy) {
      case KvPolicy.Auto a -> StepPlan.FULL;
      case KvPolicy.Off o -> StepPlan.FULL;
      case KvPolicy.Exact e -> StepPlan.FULL;
      case KvPolicy.Causal c -> new StepPlan.Cached(0, KvPolicy.LAST_LAYER);
      case KvPolicy.Anchored a ->
          step < a.warmup() || (step - (a.warmup() - 1)) % a.every() == 0
              ? StepPlan.FULL
              : new StepPlan.Cached(a.firstLayer(), a.lastLayer());
      case KvPolicy.Rolling r ->
          step < r.warmup() || r.groups() == 1
              ? StepPlan.FULL
              : new StepPlan.Partial(r.groups(), List.of((step - r.warmup()) % r.groups()));
      case KvPolicy.Adaptive a -> adaptive(a.budget(), step);
    };
  }

  /**
   * Refreshes the oldest slices until the mean of the others' expected drift fits the budget: drift
   * grows with the distance in sigma, at the rate that the last refresh measured.
   */
  private StepPlan adaptive(double budget, int step) {
    if (step < ADAPTIVE_WARMUP || budget == 0) {
      return StepPlan.FULL;
    }
    List<Integer> oldestFirst = new ArrayList<>();
    IntStream.range(0, ADAPTIVE_GROUPS).forEach(oldestFirst::add);
    oldestFirst.sort(
        Comparator.comparingDouble((Integer slice) -> -age(slice, step)).thenComparing(s -> s));
    int count = 1;
    while (count < ADAPTIVE_GROUPS
        && expectedDrift(oldestFirst.subList(count, ADAPTIVE_GROUPS), step) > budget) {
      count++;
    }
    if (count == ADAPTIVE_GROUPS) {
      return StepPlan.FULL;
    }
    List<Integer> slices = new ArrayList<>(oldestFirst.subList(0, count));
    Collections.sort(slices);
    return new StepPlan.Partial(ADAPTIVE_GROUPS, slices);
  }

  private double age(int slice, int step) {
    return Math.abs(refreshedAt[slice] - sigmas[step]);
  }

  private double expectedDrift(List<Integer> kept, int step) {
    double sum = 0;
    for (int slice : kept) {
      sum += driftPerSigma * age(slice, step);
    }
    return sum / ADAPTIVE_GROUPS;
  }

  /**
   * What the pass of the last plan measured; to be told after each pass.
   *
   * @param drift of the rows that were replaced
   */
  public void measured(SliceDrift drift) {
    int step = lastStep;
    switch (last) {
      case StepPlan.Full f -> refreshed(IntStream.range(0, ADAPTIVE_GROUPS).toArray(), drift, step);
      case StepPlan.Partial p ->
          refreshed(p.slices().stream().mapToInt(Integer::intValue).toArray(), drift, step);
      case StepPlan.Cached c -> {}
      case StepPlan.Prefill p -> {}
    }
  }

  private void refreshed(int[] slices, SliceDrift drift, int step) {
    if (!(policy instanceof KvPolicy.Adaptive)) {
      return;
    }
    double age = Arrays.stream(slices).mapToDouble(slice -> age(slice, step)).sum() / slices.length;
    if (drift.measured() && age > 0) {
      driftPerSigma = drift.relative() / age;
    }
    for (int slice : slices) {
      refreshedAt[slice] = sigmas[step];
    }
  }
}
