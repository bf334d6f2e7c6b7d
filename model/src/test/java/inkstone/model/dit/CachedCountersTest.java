package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.config.TransformerConfig;
import inkstone.model.debug.Taps;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.PassCounter;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * What passes count against formulas worked out by hand. A block over q queries and k keys costs
 * F(q, k) = 24·D²·q + 4·D·q·k: of 24, keys and values take 4, queries 2, the output 2, the
 * feed-forward 16.
 */
final class CachedCountersTest {
  private static final double D = 24;
  private static final double T = 20;
  private static final double L = 6;
  private static final double FIRST = 9;
  private static final double SECOND = 12;
  private static final double R = FIRST + SECOND;
  private static final double N = T + L + R;
  private static final StepPlan CACHED = new StepPlan.Cached(0, KvPolicy.LAST_LAYER);

  @TempDir Path folder;

  private static double f(double queries, double keys) {
    return 24 * D * D * queries + 4 * D * queries * keys;
  }

  /** The last block when only the target goes on: keys and values of {@code rows}. */
  private static double tail(double rows) {
    return 4 * D * D * rows + 2 * D * D * T + 4 * D * T * N + 18 * D * D * T;
  }

  private static Loop loop(RandomTransformer model, KvPolicy policy, boolean memoised) {
    Loop.Request request =
        Loop.Request.of(
            1, 4, false, new LatentGrid(4, 5), new LatentGrid(3, 3), new LatentGrid(2, 6));
    return new Loop(model, request, policy, KvDtype.F32, memoised);
  }

  private RandomTransformer model(TransformerConfig config) throws IOException {
    return new RandomTransformer(folder, config, 1);
  }

  /** What one pass adds to the counters. */
  private static void assertPass(
      Loop loop, StepPlan plan, double flop, double computed, double reused) {
    PassCounter counter = loop.branches.getFirst().state.counter();
    double flopBefore = counter.flop();
    long computedBefore = counter.rowsComputed();
    long reusedBefore = counter.rowsReused();
    loop.pass(loop.branches.getFirst(), 0, plan, 0.5f);
    assertThat(counter.flop() - flopBefore).as("operations of %s", plan).isEqualTo(flop);
    assertThat(counter.rowsComputed() - computedBefore)
        .as("rows computed by %s", plan)
        .isEqualTo((long) computed);
    assertThat(counter.rowsReused() - reusedBefore)
        .as("rows reused by %s", plan)
        .isEqualTo((long) reused);
  }

  @Test
  void offCountsEveryRowInEveryBlock() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(RandomTransformer.config(4, zeroCondT, false));
          Loop loop = loop(model, KvPolicy.off(), false)) {
        loop.forward(0, 0);
        PassCounter counter = loop.branches.getFirst().state.counter();
        assertThat(counter.flop()).isEqualTo(4 * f(N, N));
        assertThat(counter.rowsComputed()).isEqualTo((long) (4 * N));
        assertThat(counter.rowsReused()).isZero();
        assertThat(counter.modulations()).isEqualTo(4 * (zeroCondT ? 3 : 2));
      }
    }
  }

  @Test
  void exactLeavesOutTheDeadTailAndWithZeroCondTTheFirstBlocksReferences() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(RandomTransformer.config(4, zeroCondT, false));
          Loop loop = loop(model, KvPolicy.exact(), true)) {
        assertPass(loop, StepPlan.FULL, 3 * f(N, N) + tail(N), 4 * N, 0);
        double known = zeroCondT ? R : 0;
        assertPass(
            loop, StepPlan.FULL, 3 * f(N, N) + tail(N) - 6 * D * D * known, 4 * N - known, known);
      }
    }
  }

  @Test
  void modulationsAreComputedOnceForEqualTimesteps() throws IOException {
    try (var model = model(RandomTransformer.config(4, true, false));
        Loop loop =
            new Loop(
                model,
                Loop.Request.of(1, 3, true, new LatentGrid(4, 5), new LatentGrid(3, 3)),
                KvPolicy.exact(),
                KvDtype.F32)) {
      long[] expected = {4 * 3, 0, 4 * 2, 0, 4 * 2, 0}; // step by step, both branches
      for (int i = 0; i < expected.length; i++) {
        PassCounter counter = loop.branches.get(i % 2).state.counter();
        long before = counter.modulations();
        loop.forward(i % 2, i / 2);
        assertThat(counter.modulations() - before).as("pass %d", i).isEqualTo(expected[i]);
      }
    }
  }

  @Test
  void cachedAndPartialPlansCountTheirRows() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(RandomTransformer.config(4, zeroCondT, false));
          Loop memoised = loop(model, new KvPolicy.Rolling(4, 1), true);
          Loop plain = loop(model, new KvPolicy.Rolling(4, 1), false)) {
        double rows = T + L;
        assertPass(plain, StepPlan.FULL, 4 * f(N, N), 4 * N, 0);
        assertPass(plain, CACHED, 4 * f(rows, N), 4 * rows, 4 * R);
        assertPass(memoised, StepPlan.FULL, 3 * f(N, N) + tail(N), 4 * N, 0);
        assertPass(memoised, CACHED, 3 * f(rows, N) + tail(rows), 4 * rows, 4 * R);

        double slice = 10; // rows 1, 3, 5, … of 21
        StepPlan partial = new StepPlan.Partial(2, List.of(1));
        assertPass(plain, partial, 4 * f(rows + slice, N), 4 * (rows + slice), 4 * (R - slice));
        double known = zeroCondT ? slice : 0;
        assertPass(
            memoised,
            partial,
            3 * f(rows + slice, N) + tail(rows + slice) - 6 * D * D * known,
            4 * (rows + slice) - known,
            4 * (R - slice) + known);
      }
    }
  }

  @Test
  void aPlanOfSomeLayersCountsAllRowsInTheOthers() throws IOException {
    KvPolicy policy = new KvPolicy.Anchored(1, KvPolicy.NEVER, 1, 2);
    try (var model = model(RandomTransformer.config(4, true, false));
        Loop memoised = loop(model, policy, true);
        Loop plain = loop(model, policy, false)) {
      double rows = T + L;
      StepPlan plan = new StepPlan.Cached(1, 2);
      assertPass(plain, StepPlan.FULL, 4 * f(N, N), 4 * N, 0);
      assertPass(plain, plan, 2 * f(N, N) + 2 * f(rows, N), 2 * N + 2 * rows, 2 * R);
      assertPass(memoised, StepPlan.FULL, 3 * f(N, N) + tail(N), 4 * N, 0);
      // Block 0 recalls its references and none of them goes on to block 1.
      assertPass(memoised, plan, 3 * f(rows, N) + tail(N), 3 * rows + N, 3 * R);
    }
  }

  @Test
  void aPrefillCountsItsReferenceAloneAndACausalPassItsMask() throws IOException {
    try (var model = model(RandomTransformer.causal(4));
        Loop memoised = loop(model, new KvPolicy.Causal(false), true);
        Loop plain = loop(model, new KvPolicy.Causal(false), false);
        Loop off = loop(model, KvPolicy.off(), false)) {
      double rows = T + L;
      double masked = 24 * D * D * N + 4 * D * (rows * N + FIRST * FIRST + SECOND * SECOND);
      off.forward(0, 0);
      assertThat(off.branches.getFirst().state.counter().flop()).isEqualTo(4 * masked);
      double[] tokens = {FIRST, SECOND};
      for (int i = 0; i < 2; i++) {
        double r = tokens[i];
        StepPlan prefill = new StepPlan.Prefill(i);
        assertPass(plain, prefill, 4 * f(r, r), 4 * r, 0);
        assertPass(memoised, prefill, 3 * f(r, r) + 4 * D * D * r, 4 * r, 0);
      }
      assertPass(plain, CACHED, 4 * f(rows, N), 4 * rows, 4 * R);
      assertPass(memoised, CACHED, 3 * f(rows, N) + tail(rows), 4 * rows, 4 * R);
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void bytesReadAreThoseOfTheLayersThatArePartOfThePlan(KvDtype dtype) throws IOException {
    try (var model = model(RandomTransformer.config(4, true, false));
        Loop loop = loop(model, KvPolicy.exact(), true)) {
      KvLayout layout = new KvLayout(0, 3, 21, 2, 12, dtype, false);
      long element = dtype == KvDtype.F32 ? 4 : dtype == KvDtype.INT8 ? 1 : 2;
      long layer = 2 * 21 * (24 * element + (dtype == KvDtype.INT8 ? 2 * 4 : 0));
      try (var cache = ReferenceKvCache.open(model.compute, model.arena, layout)) {
        pass(loop, StepPlan.FULL, cache);
        assertThat(cache.bytesRead()).isZero();
        pass(loop, CACHED, cache);
        assertThat(cache.bytesRead()).isEqualTo(4 * layer);
        pass(loop, new StepPlan.Cached(2, 3), cache);
        assertThat(cache.bytesRead()).isEqualTo(6 * layer);
        pass(loop, new StepPlan.Partial(3, List.of(1)), cache);
        assertThat(cache.bytesRead()).isEqualTo(10 * layer);
        assertThat(cache.rowsRead()).isEqualTo(10 * 21);
      }
    }
  }

  private static void pass(Loop loop, StepPlan plan, ReferenceKvCache cache) {
    Loop.Branch b = loop.branches.getFirst();
    loop.model.transformer.forwardWithCachedReferences(
        b.state,
        new ReferencePass(plan, List.of(cache), loop.memo, 0),
        loop.imageTokens,
        b.text,
        0.5f,
        Taps.NONE);
  }

  @Test
  void memoAndCachesTakeTheBytesThatAreSaidBefore() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(RandomTransformer.config(4, zeroCondT, false))) {
        for (List<LatentGrid> grids :
            List.of(
                List.of(new LatentGrid(4, 5)),
                List.of(new LatentGrid(4, 5), new LatentGrid(1, 1), new LatentGrid(7, 3)))) {
          for (List<Integer> texts : List.of(List.of(6), List.of(6, 77))) {
            try (var arena = model.arena.child("memo")) {
              model.transformer.newMemo(arena, texts, grids);
              assertThat(arena.allocatedBytes())
                  .isEqualTo(model.transformer.memoBytes(texts, grids));
            }
          }
        }
      }
    }
  }
}
