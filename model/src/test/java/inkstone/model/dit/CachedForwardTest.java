package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.config.ReferenceMask;
import inkstone.model.debug.Taps;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.KvPolicy;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** One pass with kept references, whatever the plan: what it reads, computes, keeps and refuses. */
final class CachedForwardTest {
  private static final LatentGrid TARGET = new LatentGrid(4, 5);
  private static final LatentGrid FIRST = new LatentGrid(3, 3);
  private static final LatentGrid SECOND = new LatentGrid(2, 6);
  private static final KvPolicy ROLLING = new KvPolicy.Rolling(4, 1);
  private static final StepPlan CACHED = new StepPlan.Cached(0, KvPolicy.LAST_LAYER);
  private static final StepPlan PARTIAL = new StepPlan.Partial(4, List.of(1, 3));

  @TempDir Path folder;

  private RandomTransformer model(int layers, boolean zeroCondT) throws IOException {
    return new RandomTransformer(folder, RandomTransformer.config(layers, zeroCondT, false), 1);
  }

  private static Loop loop(RandomTransformer model, KvPolicy policy) {
    return new Loop(
        model, Loop.Request.of(1, 4, false, TARGET, FIRST, SECOND), policy, KvDtype.F32);
  }

  private static float[] pass(Loop loop, StepPlan plan, float timestep) {
    return loop.pass(loop.branches.getFirst(), 0, plan, timestep);
  }

  /** Throws at a checkpoint. */
  private static Taps stopBefore(int block) {
    return new Taps() {
      private int seen;

      @Override
      public void checkpoint() {
        if (seen++ == block) {
          throw new CancellationException("stopped by the test");
        }
      }
    };
  }

  @Test
  void noPlanReadsACacheThatNoWholePassFilled() throws IOException {
    try (var model = model(2, true);
        Loop loop = loop(model, ROLLING)) {
      for (StepPlan plan : List.of(CACHED, PARTIAL)) {
        assertThatThrownBy(() -> pass(loop, plan, 0.7f))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("expected rows of a whole pass, got none; run a full pass first");
        assertThat(loop.cache(0).filled()).isFalse();
      }
    }
  }

  @Test
  void noPlanReadsACacheThatACutShortPassHasWrittenTo() throws IOException {
    try (var model = model(3, true);
        Loop loop = loop(model, ROLLING)) {
      float[] full = pass(loop, StepPlan.FULL, 0.7f);
      for (StepPlan cut : List.of(StepPlan.FULL, PARTIAL)) {
        for (int block = 0; block < 3; block++) {
          loop.taps = stopBefore(block);
          assertThatThrownBy(() -> pass(loop, cut, 0.2f)).isInstanceOf(CancellationException.class);
          loop.taps = Taps.NONE;
          for (StepPlan plan : List.of(CACHED, PARTIAL)) {
            assertThatThrownBy(() -> pass(loop, plan, 0.7f))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining("run a full pass first");
          }
          TensorAssert.assertBits("full", full, pass(loop, StepPlan.FULL, 0.7f));
          TensorAssert.assertBits("cached", full, pass(loop, CACHED, 0.7f));
        }
      }
    }
  }

  /** Opens a cache of these layers for the passes of the loop. */
  private static ReferenceKvCache open(Loop loop, int first, int last, boolean resumes) {
    long rows = FIRST.tokens() + SECOND.tokens();
    KvLayout layout = new KvLayout(first, last, rows, 2, 12, KvDtype.F32, resumes);
    return ReferenceKvCache.open(loop.model.compute, loop.arena, layout);
  }

  private static float[] pass(Loop loop, StepPlan plan, ReferenceKvCache... caches) {
    Loop.Branch b = loop.branches.getFirst();
    return loop.model
        .transformer
        .forwardWithCachedReferences(
            b.state,
            new ReferencePass(plan, List.of(caches), loop.memo, 0),
            loop.imageTokens,
            b.text,
            0.7f,
            Taps.NONE)
        .toFloatArray();
  }

  @Test
  void aCacheWithoutTheLayersOfThePlanIsRefused() throws IOException {
    try (var model = model(4, true);
        Loop loop = loop(model, ROLLING)) {
      ReferenceKvCache[] wrong = {
        open(loop, 0, 2, false),
        open(loop, 0, 1, true),
        open(loop, 0, 3, true),
        open(loop, 1, 2, true)
      };
      StepPlan plan = new StepPlan.Cached(0, 2);
      for (ReferenceKvCache cache : wrong) {
        pass(loop, StepPlan.FULL, cache);
        assertThatThrownBy(() -> pass(loop, plan, cache))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("layers of Cached[firstLayer=0, lastLayer=2], expected a cache")
            .hasMessageContaining(cache.layout().toString());
      }
      ReferenceKvCache right = open(loop, 0, 2, true);
      float[] full = pass(loop, StepPlan.FULL, right);
      TensorAssert.assertBits("right", full, pass(loop, plan, right));
      for (ReferenceKvCache cache : List.of(wrong[0], wrong[3])) {
        assertThatThrownBy(() -> pass(loop, PARTIAL, cache))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("layers of Partial[groups=4, slices=[1, 3]]");
      }
      assertThatThrownBy(() -> pass(loop, new StepPlan.Cached(4, 9), open(loop, 0, 3, false)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("layers of Cached[firstLayer=4, lastLayer=9]");
      assertThatThrownBy(() -> new StepPlan.Cached(2, 1))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("got 2 to 1");
    }
  }

  @Test
  void aPlanForReferencesThatAreNotThereIsRefused() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.causal(2), 1);
        Loop two = loop(model, ROLLING);
        Loop none =
            new Loop(model, Loop.Request.of(1, 4, false, TARGET), KvPolicy.exact(), KvDtype.F32)) {
      assertThatThrownBy(() -> pass(none, PARTIAL))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected 0 reference rows")
          .hasMessageContaining("got []");
      ReferenceKvCache cache = open(two, 0, 1, false);
      for (int reference : new int[] {-1, 2}) {
        assertThatThrownBy(() -> pass(two, new StepPlan.Prefill(reference), cache, cache))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("prefill of reference " + reference + ", expected 0 to 1");
      }
      assertThatThrownBy(() -> pass(none, new StepPlan.Prefill(0)))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("prefill of reference 0");
    }
  }

  @Test
  void aSliceIsEmbeddedWhateverTheWidthOfTheTokens() throws IOException {
    for (int inChannels : new int[] {8, 40}) { // beside 24 of the stream
      var config = RandomTransformer.config(inChannels, 2, true, false, ReferenceMask.NONE);
      Loop.Request request = Loop.Request.of(1, 4, false, TARGET, FIRST, SECOND);
      try (var model = new RandomTransformer(folder, config, 1);
          Loop memoised = new Loop(model, request, ROLLING, KvDtype.F32, true);
          Loop plain = new Loop(model, request, ROLLING, KvDtype.F32, false)) {
        pass(memoised, StepPlan.FULL, 0.9f);
        pass(plain, StepPlan.FULL, 0.9f);
        TensorAssert.assertBits(
            inChannels + " channels", pass(memoised, PARTIAL, 0.4f), pass(plain, PARTIAL, 0.4f));
      }
    }
  }

  /** At equal inputs what is kept is what would be computed. */
  @Test
  void everyPlanOnUnchangedInputsGivesTheBitsOfTheFullPass() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (var model = model(4, zeroCondT)) {
        for (boolean memoised : new boolean[] {true, false}) {
          Loop.Request request = Loop.Request.of(1, 4, false, TARGET, FIRST, SECOND);
          try (Loop loop = new Loop(model, request, ROLLING, KvDtype.F32, memoised)) {
            for (int[] layers : new int[][] {{0, 3}, {0, 0}, {0, 2}, {1, 1}, {1, 3}, {3, 3}}) {
              ReferenceKvCache cache = open(loop, layers[0], layers[1], layers[1] < 3);
              float[] full = pass(loop, StepPlan.FULL, cache);
              StepPlan cached = new StepPlan.Cached(layers[0], layers[1]);
              TensorAssert.assertBits(cached.toString(), full, pass(loop, cached, cache));
            }
            ReferenceKvCache cache = open(loop, 0, 3, false);
            float[] full = pass(loop, StepPlan.FULL, cache);
            for (StepPlan plan :
                List.of(
                    PARTIAL,
                    new StepPlan.Partial(2, List.of(0)),
                    new StepPlan.Partial(1000, List.of(20)),
                    new StepPlan.Partial(1000, List.of(500)),
                    CACHED)) {
              TensorAssert.assertBits(plan.toString(), full, pass(loop, plan, cache));
            }
          }
        }
      }
    }
  }

  /** Which block's output is the first that is not finite. */
  private static int firstBad(Loop loop, StepPlan plan) {
    List<Integer> bad = new ArrayList<>();
    loop.taps =
        new Taps() {
          private int block;

          @Override
          public void tap(String key, Tensor value) {
            if (key.equals("transformer_blocks." + block)) {
              for (float number : value.toFloatArray()) {
                if (!Float.isFinite(number)) {
                  bad.add(block);
                  break;
                }
              }
              block++;
            }
          }
        };
    pass(loop, plan, 0.5f);
    loop.taps = Taps.NONE;
    return bad.isEmpty() ? -1 : bad.getFirst();
  }

  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void aSlotIsReadByItsLayerAlone(KvDtype dtype) throws IOException {
    try (var model = model(4, true)) {
      Loop.Request request = Loop.Request.of(1, 4, false, TARGET, FIRST, SECOND);
      for (StepPlan plan : List.of(CACHED, PARTIAL)) {
        for (int layer = 0; layer < 4; layer++) {
          try (Loop loop = new Loop(model, request, ROLLING, dtype)) {
            loop.step(0);
            assertThat(firstBad(loop, plan)).isEqualTo(-1);
            CachedLoopTest.poison(loop, loop.cache(0), layer);
            assertThat(firstBad(loop, plan)).as("%s", plan).isEqualTo(layer);
          }
        }
      }
    }
  }

  /** Keys of block 0 in rows of the text, which hang on its positions. */
  private static float[] textKeys(Loop loop, StepPlan plan, float timestep) {
    List<float[]> seen = new ArrayList<>();
    loop.taps =
        new Taps() {
          @Override
          public void tap(String key, Tensor value) {
            if (key.equals("transformer_blocks.0.attn.key")) {
              seen.add(value.rows(0, 6).toFloatArray());
            }
          }
        };
    pass(loop, plan, timestep);
    loop.taps = Taps.NONE;
    return seen.getFirst();
  }

  @Test
  void aReferenceLargerThanTheTargetKeepsTheTextWhereItIsInCachedSteps() throws IOException {
    LatentGrid large = new LatentGrid(9, 4);
    try (var model = model(2, true);
        Loop loop =
            new Loop(model, Loop.Request.of(1, 4, false, TARGET, large), ROLLING, KvDtype.F32);
        Loop alone =
            new Loop(model, Loop.Request.of(1, 4, false, TARGET), KvPolicy.exact(), KvDtype.F32)) {
      float[] full = textKeys(loop, StepPlan.FULL, 0.4f);
      assertThat(textKeys(alone, StepPlan.FULL, 0.4f)).isNotEqualTo(full);
      for (StepPlan plan : List.of(CACHED, PARTIAL)) {
        TensorAssert.assertBits(plan.toString(), full, textKeys(loop, plan, 0.4f));
      }
    }
  }

  @Test
  void theOrderOfTheReferencesMattersInEveryPlan() throws IOException {
    try (var model = model(2, true)) {
      Loop.Request request = Loop.Request.of(1, 4, false, TARGET, FIRST, FIRST);
      try (Loop loop = new Loop(model, request, ROLLING, KvDtype.F32);
          Loop swapped = new Loop(model, request, ROLLING, KvDtype.F32)) {
        Tensor tokens = swapped.imageTokens;
        tokens.rows(20, 29).copyFrom(loop.imageTokens.rows(29, 38));
        tokens.rows(29, 38).copyFrom(loop.imageTokens.rows(20, 29));
        for (StepPlan plan : List.of(StepPlan.FULL, CACHED, PARTIAL, CACHED)) {
          float[] straight = pass(loop, plan, 0.4f);
          assertThat(pass(swapped, plan, 0.4f)).as("%s", plan).isNotEqualTo(straight);
        }
      }
    }
  }

  @Test
  void aCachedPassLooksAtNoTokenOfAReference() throws IOException {
    try (var model = model(3, false);
        Loop loop = loop(model, ROLLING);
        Loop blind = loop(model, ROLLING)) {
      pass(loop, StepPlan.FULL, 0.9f);
      pass(blind, StepPlan.FULL, 0.9f);
      float[] nan = new float[21 * 8];
      Arrays.fill(nan, Float.NaN);
      blind.imageTokens.rows(20, 41).copyFrom(nan);
      TensorAssert.assertBits("cached", pass(loop, CACHED, 0.4f), pass(blind, CACHED, 0.4f));
    }
  }

  /** Attention reads a narrow store as it is: the same as reading its numbers widened. */
  @ParameterizedTest
  @EnumSource(KvDtype.class)
  void aNarrowStoreGivesTheBitsOfItsNumbersInFloats(KvDtype dtype) throws IOException {
    try (var model = model(3, true);
        Loop narrow =
            new Loop(
                model,
                Loop.Request.of(1, 4, false, TARGET, FIRST, SECOND),
                KvPolicy.anchored(),
                dtype);
        Loop wide = loop(model, KvPolicy.anchored())) {
      pass(narrow, StepPlan.FULL, 0.9f);
      pass(wide, StepPlan.FULL, 0.9f);
      Tensor key = Tensor.f32(model.arena, "key", 21, 2, 12);
      Tensor value = Tensor.f32(model.arena, "value", 21, 2, 12);
      wide.cache(0).beginWrite();
      for (int layer = 0; layer < 3; layer++) {
        narrow.cache(0).copyKey(layer, key);
        narrow.cache(0).copyValue(layer, value);
        wide.cache(0).put(layer, key, value, Tensor.f32(model.arena, "old", 21, 2, 12));
      }
      wide.cache(0).endWrite();
      TensorAssert.assertBits("cached", pass(wide, CACHED, 0.4f), pass(narrow, CACHED, 0.4f));
    }
  }

  @Test
  void aCacheOfOtherRowsHeadsOrLayersIsRefusedAndTheStateStaysUsable() throws IOException {
    try (var model = model(3, true);
        Loop loop = loop(model, ROLLING)) {
      float[] full = pass(loop, StepPlan.FULL, 0.7f);
      KvLayout right = new KvLayout(0, 2, 21, 2, 12, KvDtype.F32, false);
      List<KvLayout> wrong =
          List.of(
              new KvLayout(0, 2, 20, 2, 12, KvDtype.F32, false),
              new KvLayout(0, 2, 22, 2, 12, KvDtype.F32, false),
              new KvLayout(0, 2, 21, 1, 12, KvDtype.F32, false),
              new KvLayout(0, 2, 21, 4, 6, KvDtype.F32, false),
              new KvLayout(0, 2, 21, 2, 6, KvDtype.F32, false),
              new KvLayout(0, 3, 21, 2, 12, KvDtype.F32, false));
      for (StepPlan plan : List.of(StepPlan.FULL, CACHED, PARTIAL)) {
        for (KvLayout layout : wrong) {
          try (var cache = ReferenceKvCache.open(model.compute, model.arena, layout)) {
            assertThatThrownBy(() -> pass(loop, plan, cache))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(
                    "caches for " + plan + ", expected 21 reference rows of 2x12 in at most 3")
                .hasMessageContaining(layout.toString())
                .hasMessageEndingWith("lay the cache out for this request");
          }
        }
        try (var first =
                ReferenceKvCache.open(
                    model.compute, model.arena, new KvLayout(0, 2, 12, 2, 12, KvDtype.F32, false));
            var second =
                ReferenceKvCache.open(
                    model.compute, model.arena, new KvLayout(0, 2, 9, 2, 12, KvDtype.F32, false))) {
          assertThatThrownBy(() -> pass(loop, plan, first, second)) // 9, then 12
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("expected 21 reference rows");
        }
      }
      assertThatThrownBy(() -> pass(loop, CACHED))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("got []");
      for (int last : new int[] {0, 1}) {
        ReferenceKvCache fewer = open(loop, 0, last, false);
        pass(loop, StepPlan.FULL, fewer);
        assertThatThrownBy(() -> pass(loop, CACHED, fewer))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("expected a cache of all of them");
      }
      ReferenceKvCache fits = ReferenceKvCache.open(model.compute, model.arena, right);
      TensorAssert.assertBits("full", full, pass(loop, StepPlan.FULL, fits));
      TensorAssert.assertBits("cached", full, pass(loop, CACHED, fits));
    }
  }

  @Test
  void anAdditionalConditionIsAskedForExactlyWhenTheModelHasIt() throws IOException {
    var config = RandomTransformer.config(2, true, true);
    try (var with = new RandomTransformer(folder, config, 1);
        Loop loop = loop(with, ROLLING)) {
      for (StepPlan plan : List.of(StepPlan.FULL, CACHED, PARTIAL)) {
        assertThatThrownBy(() -> pass(loop, plan, 0.5f))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("expected an additionalTCond of 0 or 1, got none");
      }
      assertThat(loop.cache(0).filled()).isFalse();
    }
    try (var without = model(2, true);
        Loop loop = loop(without, ROLLING)) {
      Loop.Branch b = loop.branches.getFirst();
      ReferencePass full = new ReferencePass(StepPlan.FULL, b.caches, null, 0);
      assertThatThrownBy(() ->
              without.transformer.forwardWithCachedReferences(
                  b.state, full, loop.imageTokens, b.text, 0.5f, 0, Taps.NONE))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the model has no use_additional_t_cond");
    }
  }

  @Test
  void aPrefillIsRefusedWhereReferencesSeeOthersOrTheTimestep() throws IOException {
    for (var config :
        List.of(
            RandomTransformer.config(2, true, false),
            RandomTransformer.config(8, 2, false, false, ReferenceMask.SELF))) {
      try (var model = new RandomTransformer(folder, config, 1);
          Loop loop =
              new Loop(model, Loop.Request.of(1, 4, false, TARGET, FIRST), ROLLING, KvDtype.F32)) {
        assertThatThrownBy(() -> pass(loop, new StepPlan.Prefill(0), 0.5f))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining(
                "got reference_mask "
                    + config.referenceMask()
                    + ", zero_cond_t "
                    + config.zeroCondT());
      }
    }
  }
}
