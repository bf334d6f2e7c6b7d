package inkstone.model.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

final class StepPlannerTest {
  private static final float[] SIGMAS = sigmas(40);

  private static float[] sigmas(int steps) {
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      sigmas[i] = 1 - (float) i / steps;
    }
    return sigmas;
  }

  private static StepPlanner planner(KvPolicy policy) {
    return new StepPlanner(policy, SIGMAS);
  }

  /** F for full, C for cached. */
  @ParameterizedTest
  @CsvSource({
    "1, 2147483647, FCCCCCCCCC",
    "3, 2147483647, FFFCCCCCCC",
    "1, 1, FFFFFFFFFF",
    "1, 2, FCFCFCFCFC",
    "1, 4, FCCCFCCCFC",
    "2, 4, FFCCCFCCCF",
    "3, 3, FFFCCFCCFC",
    "20, 2, FFFFFFFFFF",
  })
  void anchoredIsFullInTheWarmupAndAtTheRefreshes(int warmup, int every, String expected) {
    StepPlanner planner = planner(new KvPolicy.Anchored(warmup, every, 2, 5));
    for (int step = 0; step < expected.length(); step++) {
      assertThat(planner.plan(step, step > 0))
          .as("step %d", step)
          .isEqualTo(expected.charAt(step) == 'F' ? StepPlan.FULL : new StepPlan.Cached(2, 5));
    }
  }

  @Test
  void rollingTakesTheGroupsInTurnAfterTheWarmup() {
    StepPlanner planner = planner(new KvPolicy.Rolling(3, 2));
    List<StepPlan> plans = new ArrayList<>();
    for (int step = 0; step < 7; step++) {
      plans.add(planner.plan(step, step > 0));
    }
    assertThat(plans)
        .containsExactly(
            StepPlan.FULL,
            StepPlan.FULL,
            new StepPlan.Partial(3, List.of(0)),
            new StepPlan.Partial(3, List.of(1)),
            new StepPlan.Partial(3, List.of(2)),
            new StepPlan.Partial(3, List.of(0)),
            new StepPlan.Partial(3, List.of(1)));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 7, 40})
  void rollingLeavesNoRowOlderThanItsGroups(int groups) {
    for (int warmup = 1; warmup <= 3; warmup++) {
      for (int rows : new int[] {1, 2, 5, 13}) {
        StepPlanner planner = planner(new KvPolicy.Rolling(groups, warmup));
        int[] refreshed = new int[rows];
        for (int step = 0; step < 40; step++) {
          switch (planner.plan(step, step > 0)) {
            case StepPlan.Full f -> Arrays.fill(refreshed, step);
            case StepPlan.Partial partial -> {
              for (int row : partial.rows(rows)) {
                refreshed[row] = step;
              }
            }
            default -> throw new AssertionError("neither full nor partial");
          }
          for (int row = 0; row < rows; row++) {
            // Age of what this step has read; a step before its refresh it is G - 1.
            assertThat(step - refreshed[row]).isLessThan(groups);
          }
        }
      }
    }
  }

  @Test
  void withoutKeptRowsEveryPlanIsFull() {
    for (KvPolicy policy :
        List.of(
            KvPolicy.off(),
            KvPolicy.exact(),
            KvPolicy.anchored(),
            new KvPolicy.Rolling(3, 1),
            new KvPolicy.Adaptive(0.5))) {
      StepPlanner planner = planner(policy);
      for (int step = 0; step < 6; step++) {
        assertThat(planner.plan(step, false)).as("%s", policy).isEqualTo(StepPlan.FULL);
        planner.measured(SliceDrift.NONE);
      }
    }
  }

  @Test
  void aCacheLostOnTheWayIsFilledAndTheTurnsGoOn() {
    StepPlanner planner = planner(new KvPolicy.Rolling(3, 1));
    planner.plan(0, false);
    planner.plan(1, true);
    assertThat(planner.plan(2, false)).isEqualTo(StepPlan.FULL);
    assertThat(planner.plan(3, true)).isEqualTo(new StepPlan.Partial(3, List.of(2)));
  }

  @Test
  void offExactAndAutoNeverReadAndCausalAlwaysDoes() {
    for (int step = 0; step < 5; step++) {
      assertThat(planner(KvPolicy.off()).plan(step, true)).isEqualTo(StepPlan.FULL);
      assertThat(planner(KvPolicy.exact()).plan(step, true)).isEqualTo(StepPlan.FULL);
      assertThat(planner(KvPolicy.auto()).plan(step, true)).isEqualTo(StepPlan.FULL);
      assertThat(planner(new KvPolicy.Causal(true)).plan(step, true))
          .isEqualTo(new StepPlan.Cached(0, KvPolicy.LAST_LAYER));
    }
  }

  /** The difference over what is told is the relative drift. */
  private static SliceDrift drift(double relative) {
    return new SliceDrift(relative * relative, 1);
  }

  private static StepPlan next(StepPlanner planner, int step, double drift) {
    StepPlan plan = planner.plan(step, step > 0);
    planner.measured(drift(drift));
    return plan;
  }

  private static StepPlan slices(Integer... slices) {
    return new StepPlan.Partial(8, List.of(slices));
  }

  /**
   * Steps of 0.1 in sigma. A drift of 0.1 a step is a rate of 1, so k slices that stay and are one
   * step old cost k · 0.1 / 8.
   */
  @Test
  void adaptiveRefreshesTheOldestUntilTheRestFitsTheBudget() {
    StepPlanner planner = new StepPlanner(new KvPolicy.Adaptive(0.055), sigmas(10));
    assertThat(planner.plan(0, false)).isEqualTo(StepPlan.FULL);
    planner.measured(SliceDrift.NONE);
    assertThat(next(planner, 1, 0.1)).isEqualTo(StepPlan.FULL);
    // Four that stay: 0.05
    assertThat(next(planner, 2, 0.1)).isEqualTo(slices(0, 1, 2, 3));
    // 4 to 7 are two steps old: leaving one of them would cost (0.2 + 0.4) / 8. Rate 2 from here on
    assertThat(next(planner, 3, 0.4)).isEqualTo(slices(4, 5, 6, 7));
    // 0 to 3 are two steps old (0.4 each), 4 to 7 one (0.2 each): two of the latter may stay
    assertThat(next(planner, 4, 0)).isEqualTo(slices(0, 1, 2, 3, 4, 5));
    // No drift: one slice is the least, the oldest
    assertThat(next(planner, 5, 9)).isEqualTo(slices(6));
    // Drift beyond all budgets
    assertThat(next(planner, 6, 0.1)).isEqualTo(StepPlan.FULL);
  }

  @Test
  void adaptiveForgetsNoSlice() {
    StepPlanner planner = planner(new KvPolicy.Adaptive(1e9));
    Set<Integer> refreshed = new HashSet<>();
    for (int step = 0; step < 10; step++) {
      StepPlan plan = next(planner, step, 0.1);
      if (plan instanceof StepPlan.Partial partial) {
        assertThat(partial.slices()).hasSize(1);
        refreshed.addAll(partial.slices());
      } else {
        assertThat(step).isLessThan(2);
      }
    }
    assertThat(refreshed).hasSize(8);
  }

  @Test
  void adaptiveWithoutABudgetIsAlwaysFull() {
    StepPlanner planner = planner(new KvPolicy.Adaptive(0));
    for (int step = 0; step < 20; step++) {
      assertThat(next(planner, step, 0)).isEqualTo(StepPlan.FULL);
    }
  }

  @Test
  void equalMeasurementsGiveEqualPlansAndALargerBudgetNeverMoreRows() {
    double[] budgets = {0.01, 0.03, 0.1, 0.3, 1};
    List<List<StepPlan>> runs = new ArrayList<>();
    for (double budget : budgets) {
      List<StepPlan> first = plans(budget, 7);
      assertThat(plans(budget, 7)).isEqualTo(first);
      runs.add(first);
    }
    // At the first free step all planners are in the same state.
    int last = 9;
    for (List<StepPlan> run : runs) {
      int slices = run.get(2) instanceof StepPlan.Partial p ? p.slices().size() : 8;
      assertThat(slices).isLessThanOrEqualTo(last);
      last = slices;
    }
    assertThat(runs.getFirst()).isNotEqualTo(runs.getLast());
  }

  private static List<StepPlan> plans(double budget, int seed) {
    StepPlanner planner = planner(new KvPolicy.Adaptive(budget));
    Random random = new Random(seed);
    List<StepPlan> plans = new ArrayList<>();
    for (int step = 0; step < 40; step++) {
      plans.add(next(planner, step, 0.02 + 0.02 * random.nextDouble()));
    }
    return plans;
  }

  @Test
  void whatIsNoMeasureLeavesTheLastOne() {
    StepPlanner planner = new StepPlanner(new KvPolicy.Adaptive(0.055), sigmas(10));
    next(planner, 0, 0);
    next(planner, 1, 0.1);
    planner.plan(2, true);
    planner.measured(SliceDrift.NONE); // a slice without rows
    assertThat(planner.plan(3, true)).isEqualTo(slices(4, 5, 6, 7));
  }

  @Test
  void aPlannerKeepsItsOwnSigmas() {
    float[] mine = sigmas(10);
    StepPlanner planner = new StepPlanner(new KvPolicy.Adaptive(0.055), mine);
    Arrays.fill(mine, 0);
    next(planner, 0, 0);
    next(planner, 1, 0.1);
    assertThat(planner.plan(2, true)).isEqualTo(slices(0, 1, 2, 3));
  }

  @Test
  void aSliceIsEveryGthRow() {
    StepPlan.Partial partial = new StepPlan.Partial(4, List.of(1, 3));
    assertThat(partial.rows(10)).containsExactly(1, 3, 5, 7, 9);
    assertThat(partial.rows(1)).isEmpty();
  }

  @Test
  void slicesThatAreAllNoneOrOutOfOrderAreRefused() {
    for (List<Integer> slices :
        List.of(
            List.<Integer>of(),
            List.of(0, 1, 2),
            List.of(1, 0),
            List.of(1, 1),
            List.of(3),
            List.of(-1))) {
      assertThatThrownBy(() -> new StepPlan.Partial(3, slices))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected some of 0 to 2 in ascending order, got " + slices);
    }
  }
}
