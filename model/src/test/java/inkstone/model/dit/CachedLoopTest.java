package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.config.TransformerConfig;
import inkstone.model.debug.Taps;
import inkstone.model.kv.KeyMutations;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvKey;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.SliceDrift;
import inkstone.model.kv.StepPlan;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Whole loops under each policy: what must not differ doesn't by a bit, and what may does. */
final class CachedLoopTest {
  private static final LatentGrid TARGET = new LatentGrid(3, 4);
  private static final List<LatentGrid> REFERENCES =
      List.of(new LatentGrid(2, 3), new LatentGrid(5, 3), new LatentGrid(1, 4));
  private static final String KEY_0 = "transformer_blocks.0.attn.key";
  private static final String VALUE_0 = "transformer_blocks.0.attn.value";

  /** Every policy that may lose something. */
  static final List<KvPolicy> LOSSY =
      List.of(
          KvPolicy.anchored(),
          new KvPolicy.Anchored(2, 3, 0, KvPolicy.LAST_LAYER),
          new KvPolicy.Anchored(1, KvPolicy.NEVER, 1, KvPolicy.LAST_LAYER),
          new KvPolicy.Anchored(1, 3, 1, 1),
          new KvPolicy.Rolling(4, 1),
          new KvPolicy.Adaptive(0.3));

  /** The same with parameters that leave nothing to lose. */
  private static final List<KvPolicy> LOSSLESS =
      List.of(
          new KvPolicy.Anchored(1, 1, 0, KvPolicy.LAST_LAYER),
          new KvPolicy.Anchored(1, 1, 1, 1),
          new KvPolicy.Anchored(9, KvPolicy.NEVER, 0, KvPolicy.LAST_LAYER),
          new KvPolicy.Rolling(1, 1),
          new KvPolicy.Adaptive(0));

  @TempDir Path folder;

  private RandomTransformer model(boolean zeroCondT) throws IOException {
    return model(zeroCondT, 1);
  }

  private RandomTransformer model(boolean zeroCondT, int threads) throws IOException {
    TransformerConfig config = RandomTransformer.config(3, zeroCondT, false);
    return new RandomTransformer(folder, config, threads);
  }

  private static Loop.Request request(int steps, boolean guided, int references) {
    List<LatentGrid> images = new ArrayList<>(List.of(TARGET));
    images.addAll(REFERENCES.subList(0, references));
    return new Loop.Request(1, steps, guided, images);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void exactIsOffBitForBit(boolean zeroCondT) throws IOException {
    try (var model = model(zeroCondT)) {
      for (int steps : new int[] {1, 2, 4, 8}) {
        for (int references = 0; references <= 3; references++) {
          for (boolean guided : new boolean[] {false, true}) {
            Loop.Request request = request(steps, guided, references);
            Loop.assertBits(
                request.toString(),
                Loop.off(model, request),
                Loop.trace(model, request, KvPolicy.exact(), KvDtype.F32));
          }
        }
      }
    }
  }

  /** Keys and values of the references in block 0 at each step. */
  private static List<float[]> firstBlock(Loop loop, int branch) {
    List<float[]> seen = new ArrayList<>();
    DitState.Rows rows = loop.branches.get(branch).state.referenceRows();
    loop.taps =
        new Taps() {
          @Override
          public void tap(String key, Tensor value) {
            boolean mine = value.dim(0) == rows.to();
            if (mine && (key.equals(KEY_0) || key.equals(VALUE_0))) {
              seen.add(rows.of(value).toFloatArray());
            }
          }
        };
    loop.run();
    return seen;
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void layer0KeysAndValuesOfReferencesAreEqualAtEveryStepExactlyWithZeroCondT(boolean zeroCondT)
      throws IOException {
    try (var model = model(zeroCondT)) {
      for (KvPolicy policy : List.of(KvPolicy.off(), KvPolicy.exact())) {
        try (Loop loop = new Loop(model, request(4, true, 2), policy, KvDtype.F32);
            Loop other = new Loop(model, request(4, true, 2), policy, KvDtype.F32)) {
          List<float[]> positive = firstBlock(loop, 0);
          List<float[]> negative = firstBlock(other, 1);
          assertThat(positive).hasSize(8);
          assertThat(negative).hasSize(8);
          for (int i = 2; i < 8; i++) {
            if (zeroCondT) {
              TensorAssert.assertBits("step " + i / 2, positive.get(i % 2), positive.get(i));
            } else {
              assertThat(positive.get(i)).isNotEqualTo(positive.get(i % 2));
            }
          }
          for (int i = 0; i < 8; i++) { // the same in both branches, whose texts differ in length
            TensorAssert.assertBits("branches", positive.get(i), negative.get(i));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void policiesWithNothingToLoseAreOffBitForBitInEveryStore(KvDtype dtype) throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(zeroCondT)) {
        Loop.Request request = request(5, true, 2);
        List<float[]> off = Loop.off(model, request);
        for (KvPolicy policy : LOSSLESS) {
          Loop.assertBits(policy.toString(), off, Loop.trace(model, request, policy, dtype));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void theFirstStepOfEveryPolicyIsOffAndLaterOnesDiffer(KvDtype dtype) throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(zeroCondT)) {
        Loop.Request request = request(5, true, 2);
        List<float[]> off = Loop.off(model, request);
        for (KvPolicy policy : LOSSY) {
          List<float[]> trace = Loop.trace(model, request, policy, dtype);
          TensorAssert.assertBits(policy + " step 0", off.getFirst(), trace.getFirst());
          TensorAssert.compare(policy + " end", off.getLast(), trace.getLast()); // finite
          assertThat(Arrays.equals(trace.getLast(), off.getLast())).as("%s", policy).isFalse();
        }
      }
    }
  }

  @Test
  void aLossyStepIsOffUntilTheFirstThatReuses() throws IOException {
    try (var model = model(true)) {
      Loop.Request request = request(6, false, 2);
      List<float[]> off = Loop.off(model, request);
      KvPolicy policy = new KvPolicy.Anchored(3, KvPolicy.NEVER, 0, KvPolicy.LAST_LAYER);
      List<float[]> trace = Loop.trace(model, request, policy, KvDtype.INT8);
      for (int step = 0; step < 3; step++) {
        TensorAssert.assertBits("step " + step, off.get(step), trace.get(step));
      }
      assertThat(trace.get(3)).isNotEqualTo(off.get(3));
    }
  }

  @Test
  void withoutReferencesEveryPolicyIsOff() throws IOException {
    try (var model = model(true)) {
      for (boolean guided : new boolean[] {false, true}) {
        Loop.Request request = request(4, guided, 0);
        List<float[]> off = Loop.off(model, request);
        for (KvPolicy policy : LOSSY) {
          Loop.assertBits(policy.toString(), off, Loop.trace(model, request, policy, KvDtype.F32));
        }
        try (Loop loop = new Loop(model, request, KvPolicy.exact(), KvDtype.F32)) {
          StepPlan cached = new StepPlan.Cached(0, KvPolicy.LAST_LAYER);
          TensorAssert.assertBits(
              "a cached plan with nothing to read",
              loop.pass(loop.branches.getFirst(), 0, StepPlan.FULL, 0.3f),
              loop.pass(loop.branches.getFirst(), 0, cached, 0.3f));
        }
      }
    }
  }

  @Test
  void anyThreadCountGivesTheSameBitsUnderEveryPolicy() throws IOException {
    Loop.Request request = request(4, true, 3);
    List<List<float[]>> expected = new ArrayList<>();
    for (int threads : new int[] {1, 2, 5}) {
      try (var model = model(true, threads)) {
        List<List<float[]>> traces = new ArrayList<>();
        for (KvPolicy policy : LOSSY) {
          for (KvDtype dtype : List.of(KvDtype.F32, KvDtype.INT8)) {
            traces.add(Loop.trace(model, request, policy, dtype));
          }
        }
        traces.add(Loop.trace(model, request, KvPolicy.exact(), KvDtype.F32));
        if (expected.isEmpty()) {
          expected.addAll(traces);
        }
        for (int i = 0; i < traces.size(); i++) {
          Loop.assertBits(threads + " threads, " + i, expected.get(i), traces.get(i));
        }
      }
    }
  }

  /** Overwrites kept keys and values of a layer. */
  static void poison(Loop loop, ReferenceKvCache cache, int layer) {
    Tensor nan = Tensor.f32(loop.arena, "nan", cache.layout().rows(), 2, 12);
    float[] values = new float[Math.toIntExact(nan.elements())];
    Arrays.fill(values, Float.NaN);
    nan.copyFrom(values);
    cache.beginWrite();
    cache.put(layer, nan, nan, Tensor.f32(loop.arena, "old", cache.layout().rows(), 2, 12));
    cache.endWrite();
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void branchesOfGuidanceNeverShareACache(KvDtype dtype) throws IOException {
    try (var model = model(true)) {
      for (KvPolicy policy : LOSSY) {
        for (int poisoned = 0; poisoned < 2; poisoned++) {
          try (Loop clean = new Loop(model, request(4, true, 2), policy, dtype);
              Loop loop = new Loop(model, request(4, true, 2), policy, dtype)) {
            for (int step = 0; step < 2; step++) {
              clean.step(step);
              loop.step(step);
            }
            poison(loop, loop.cache(poisoned), 1);
            float[] bad = loop.forward(poisoned, 2);
            boolean reads = !loop.branches.get(poisoned).plans.getLast().equals(StepPlan.FULL);
            assertThat(Float.isNaN(bad[0])).isEqualTo(reads);
            TensorAssert.assertBits(
                policy + ", branch " + (1 - poisoned),
                clean.forward(1 - poisoned, 2),
                loop.forward(1 - poisoned, 2));
          }
        }
      }
    }
  }

  @Test
  void everyChangeOfTheKeyIsAMissAndTheNextPassIsFull() throws IOException {
    try (var model = model(true)) {
      for (KvPolicy policy : LOSSY) {
        Loop.Request request = request(20, false, 1);
        try (Loop loop = new Loop(model, request, policy, KvDtype.F32);
            Loop full = new Loop(model, request, KvPolicy.exact(), KvDtype.F32)) {
          Loop.Branch branch = loop.branches.getFirst();
          KvKey key = branch.key;
          loop.step(0);
          loop.step(1);
          for (String name : KeyMutations.OTHERS.keySet()) {
            branch.key = KeyMutations.mutated(key, name);
            assertMissed(loop, full, name);
            branch.key = key;
            assertMissed(loop, full, name);
          }
        }
      }
    }
  }

  /** A step that would reuse, but for the key. */
  private static void assertMissed(Loop loop, Loop full, String name) {
    Loop.Branch branch = loop.branches.getFirst();
    branch.missed.clear();
    float[] velocity = loop.forward(0, 2);
    assertThat(branch.missed).containsExactly(name);
    assertThat(branch.plans.getLast()).isEqualTo(StepPlan.FULL);
    full.latents.copyFrom(loop.latents);
    TensorAssert.assertBits(name, full.forward(0, 2), velocity);
    loop.forward(0, 2);
    assertThat(branch.missed).hasSize(1);
  }

  /** Kept keys and values of all layers, row by row. */
  private static float[][] keptRows(Loop loop) {
    ReferenceKvCache cache = loop.cache(0);
    int rows = (int) cache.layout().rows();
    float[][] kept = new float[rows][3 * 24];
    Tensor out = Tensor.f32(loop.arena, "kept", rows, 2, 12);
    for (int layer = 0; layer < 3; layer++) {
      cache.copyKey(layer, out);
      float[] all = out.toFloatArray();
      for (int row = 0; row < rows; row++) {
        System.arraycopy(all, row * 24, kept[row], layer * 24, 24);
      }
    }
    return kept;
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void rollingRefreshesEveryRowWithinItsGroupsAndLeavesTheOthers(KvDtype dtype) throws IOException {
    try (var model = model(false)) { // where block 0 changes over time too
      int groups = 4;
      try (Loop loop =
          new Loop(model, request(12, false, 2), new KvPolicy.Rolling(groups, 1), dtype)) {
        loop.step(0);
        float[][] kept = keptRows(loop);
        Map<Integer, Integer> refreshed = new HashMap<>();
        for (int step = 1; step < 12; step++) {
          loop.step(step);
          float[][] now = keptRows(loop);
          for (int row = 0; row < now.length; row++) {
            boolean turn = row % groups == (step - 1) % groups;
            assertThat(Arrays.equals(now[row], kept[row])).as("row %d", row).isEqualTo(!turn);
            if (turn) {
              refreshed.put(row, step);
            }
            assertThat(step - refreshed.getOrDefault(row, 0)).isLessThan(groups);
          }
          kept = now;
        }
      }
    }
  }

  /** More groups than rows: some steps have nothing to refresh. */
  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void aSliceWithoutRowsIsACachedStep(KvDtype dtype) throws IOException {
    try (var model = model(true)) {
      Loop.Request request = Loop.Request.of(1, 6, false, TARGET, new LatentGrid(1, 2));
      try (Loop loop = new Loop(model, request, new KvPolicy.Rolling(5, 1), dtype)) {
        Loop.Branch branch = loop.branches.getFirst();
        for (int step = 0; step < 3; step++) {
          loop.step(step);
        }
        StepPlan cached = new StepPlan.Cached(0, KvPolicy.LAST_LAYER);
        float[] expected = loop.pass(branch, 0, cached, loop.sigmas[3]);
        TensorAssert.assertBits("step 3", expected, loop.forward(0, 3));
        assertThat(branch.plans.getLast()).isEqualTo(new StepPlan.Partial(5, List.of(2)));
        assertThat(branch.drifts.stream().map(SliceDrift::measured))
            .containsExactly(false, true, true, false);
      }
    }
  }

  @Test
  void adaptivePlansAreTheSameInEveryRunOnAnyThreads() throws IOException {
    List<List<StepPlan>> runs = new ArrayList<>();
    for (int threads : new int[] {1, 1, 3}) {
      try (var model = model(true, threads);
          Loop loop =
              new Loop(model, request(10, true, 3), new KvPolicy.Adaptive(0.05), KvDtype.F32)) {
        loop.run();
        List<StepPlan> plans = new ArrayList<>();
        loop.branches.forEach(branch -> plans.addAll(branch.plans));
        runs.add(plans);
      }
    }
    assertThat(runs).containsOnly(runs.getFirst());
    assertThat(runs.getFirst()).hasAtLeastOneElementOfType(StepPlan.Partial.class);
  }

  @Test
  void lossShrinksWithTheStore() throws IOException {
    try (var model = model(true)) {
      Loop.Request request = request(4, false, 2);
      List<float[]> f32 = Loop.trace(model, request, KvPolicy.anchored(), KvDtype.F32);
      var bounds =
          Map.of(KvDtype.F32, 0.0, KvDtype.BF16, 1e-2, KvDtype.F16, 2e-3, KvDtype.INT8, 3e-2);
      for (KvDtype dtype : KvDtype.values()) {
        List<float[]> other = Loop.trace(model, request, KvPolicy.anchored(), dtype);
        TensorAssert.Difference difference =
            TensorAssert.compare(dtype.toString(), f32.getLast(), other.getLast());
        assertThat(difference.maxRel()).as("%s", dtype).isLessThanOrEqualTo(bounds.get(dtype));
        assertThat(difference.maxRel() > 0).isEqualTo(dtype != KvDtype.F32);
      }
    }
  }

  @Test
  void aBrokenOffStepLeavesALoopThatGoesOnWithTheRightBits() throws IOException {
    try (var model = model(true)) {
      for (KvPolicy policy : LOSSY) {
        Loop.Request request = request(5, false, 2);
        for (int at = 0; at < 3; at++) {
          try (Loop loop = new Loop(model, request, policy, KvDtype.F32);
              Loop full = new Loop(model, request, KvPolicy.exact(), KvDtype.F32)) {
            loop.step(0);
            loop.step(1);
            int block = at;
            loop.taps =
                new Taps() {
                  @Override
                  public void tap(String key, Tensor value) {
                    if (key.equals("transformer_blocks." + block + ".attn.key")) {
                      throw new IllegalStateException("broken off by the test");
                    }
                  }
                };
            assertThatThrownBy(() -> loop.step(2)).hasMessage("broken off by the test");
            loop.taps = Taps.NONE;
            full.latents.copyFrom(loop.latents);
            boolean wrote = !(loop.branches.getFirst().plans.getLast() instanceof StepPlan.Cached);
            float[] again = loop.forward(0, 2);
            if (wrote) { // what it had kept is of two steps: a full pass
              TensorAssert.assertBits(policy + " " + at, full.forward(0, 2), again);
            }
            assertThat(loop.branches.getFirst().plans.getLast() instanceof StepPlan.Full)
                .isEqualTo(wrote);
          }
        }
      }
    }
  }

  @Test
  void theMemoNeverChangesABit() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(zeroCondT)) {
        for (KvPolicy policy : LOSSY) {
          for (KvDtype dtype : List.of(KvDtype.F32, KvDtype.INT8)) {
            Loop.Request request = request(4, true, 3);
            try (Loop plain = new Loop(model, request, policy, dtype, false)) {
              Loop.assertBits(
                  policy.toString(),
                  plain.run().trace(),
                  Loop.trace(model, request, policy, dtype));
            }
          }
        }
      }
    }
  }

  /** Equal timesteps, and those of the references, meet in the memo of modulations. */
  @Test
  void exactIsOffWhenTimestepsRepeatOrAreZero() throws IOException {
    try (var model = model(true);
        Loop off = new Loop(model, request(1, true, 2), KvPolicy.off(), KvDtype.F32);
        Loop exact = new Loop(model, request(1, true, 2), KvPolicy.exact(), KvDtype.F32)) {
      for (float timestep : new float[] {0, 0.5f, 0.5f, 0.2f, 0.5f, 0, 0, 1}) {
        off.sigmas[0] = timestep;
        exact.sigmas[0] = timestep;
        for (int branch : new int[] {0, 1, 1, 0}) {
          TensorAssert.assertBits(
              "timestep " + timestep, off.forward(branch, 0), exact.forward(branch, 0));
        }
      }
    }
  }

  /** First and last block are one: with zero_cond_t nothing of a reference ever changes. */
  @Test
  void aModelOfOneBlockLosesNothingWithZeroCondT() throws IOException {
    LatentGrid one = new LatentGrid(1, 1);
    for (boolean zeroCondT : new boolean[] {true, false}) {
      TransformerConfig config = RandomTransformer.config(1, zeroCondT, false);
      try (var model = new RandomTransformer(folder, config, 1)) {
        for (Loop.Request request :
            List.of(request(4, true, 3), Loop.Request.of(3, 4, false, one, one))) {
          List<float[]> off = Loop.off(model, request);
          Loop.assertBits("exact", off, Loop.trace(model, request, KvPolicy.exact(), KvDtype.F32));
          for (KvPolicy policy :
              List.of(KvPolicy.anchored(), new KvPolicy.Rolling(3, 1), new KvPolicy.Adaptive(9))) {
            List<float[]> trace = Loop.trace(model, request, policy, KvDtype.F32);
            if (zeroCondT) {
              Loop.assertBits(policy.toString(), off, trace);
            } else {
              assertThat(trace.getLast()).as("%s", policy).isNotEqualTo(off.getLast());
            }
          }
        }
      }
    }
  }
}
