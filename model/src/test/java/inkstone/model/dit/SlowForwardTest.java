package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.config.TransformerConfig;
import inkstone.model.debug.Taps;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvLayout;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Every plan against plain loops in which a plan is nothing but the rows that a block computes. The
 * second reference is larger than the target, so that the text's positions hang on it.
 */
final class SlowForwardTest {
  /** Largest error over the root mean square; float32 against double through four blocks. */
  private static final double TOLERANCE = 2e-5;

  private static final int TEXT = 6;
  private static final List<LatentGrid> GRIDS =
      List.of(new LatentGrid(4, 5), new LatentGrid(3, 3), new LatentGrid(6, 4));
  private static final int TARGET = 20;
  private static final int REFERENCE = TEXT + TARGET; // first row of the references
  private static final int ROWS = 9 + 24;

  @TempDir Path folder;

  /** One sequence in both transformers; each pass moves the target and the timestep. */
  private final class Both implements AutoCloseable {
    final RandomTransformer model;
    final SlowForward slow;
    final DitState state;
    final ExactMemo memo;
    final Tensor tokens;
    final Tensor prompt;
    private int passes;

    Both(TransformerConfig config, boolean memoised) throws IOException {
      model = new RandomTransformer(folder, config, 2);
      slow = new SlowForward(model, TEXT, GRIDS);
      state = model.transformer.newState(model.arena, TEXT, GRIDS);
      memo = memoised ? model.transformer.newMemo(model.arena, List.of(TEXT), GRIDS) : null;
      tokens = RandomTransformer.random(model.arena, 1, "tokens", TARGET + ROWS, 8);
      prompt = RandomTransformer.random(model.arena, 2, "prompt", TEXT, 10);
    }

    ReferenceKvCache cache(int first, int last, long rows) {
      boolean resumes = last < model.transformer.config().numLayers() - 1;
      return ReferenceKvCache.open(
          model.compute, model.arena, new KvLayout(first, last, rows, 2, 12, KvDtype.F32, resumes));
    }

    float[] pass(StepPlan plan, List<ReferenceKvCache> caches, float timestep) {
      return model
          .transformer
          .forwardWithCachedReferences(
              state, new ReferencePass(plan, caches, memo, 0), tokens, prompt, timestep, Taps.NONE)
          .toFloatArray();
    }

    /** A pass of both at the next target and timestep. */
    void compare(StepPlan plan, List<ReferenceKvCache> caches, SlowForward.Computes computes)
        throws IOException {
      passes++;
      tokens
          .rows(0, TARGET)
          .copyFrom(RandomTransformer.random(model.arena, 50 + passes, "target", TARGET, 8));
      float timestep = 1 - 0.07f * passes;
      float[] expected =
          slow.forward(tokens.toFloatArray(), prompt.toFloatArray(), timestep, computes);
      TensorAssert.assertRel(
          "pass " + passes + " " + plan, expected, pass(plan, caches, timestep), TOLERANCE);
    }

    @Override
    public void close() {
      model.close();
    }
  }

  private static boolean reference(int row) {
    return row >= REFERENCE;
  }

  private static SlowForward.Computes without(int firstLayer, int lastLayer) {
    return (layer, row) -> !reference(row) || layer < firstLayer || layer > lastLayer;
  }

  private static SlowForward.Computes slice(StepPlan.Partial plan) {
    return (layer, row) ->
        !reference(row) || plan.slices().contains((row - REFERENCE) % plan.groups());
  }

  @ParameterizedTest
  @CsvSource({"true, true", "true, false", "false, true", "false, false"})
  void fullCachedAndPartialPlansComputeTheRowsTheyName(boolean zeroCondT, boolean memoised)
      throws IOException {
    try (Both both = new Both(RandomTransformer.config(4, zeroCondT, false), memoised)) {
      List<ReferenceKvCache> cache = List.of(both.cache(0, 3, ROWS));
      StepPlan cached = new StepPlan.Cached(0, 9);
      both.compare(StepPlan.FULL, cache, SlowForward.EVERYTHING);
      both.compare(cached, cache, without(0, 9));
      for (List<Integer> slices : List.of(List.of(0), List.of(1, 2), List.of(0, 2))) {
        StepPlan.Partial partial = new StepPlan.Partial(3, slices);
        both.compare(partial, cache, slice(partial));
        both.compare(cached, cache, without(0, 9));
      }
      StepPlan.Partial one = new StepPlan.Partial(40, List.of(32)); // the last row alone
      both.compare(one, cache, slice(one));
      StepPlan.Partial none = new StepPlan.Partial(40, List.of(33));
      both.compare(none, cache, slice(none));
      both.compare(StepPlan.FULL, cache, SlowForward.EVERYTHING);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, true",
    "0, 2, true",
    "1, 1, true",
    "1, 2, false",
    "1, 3, true",
    "2, 3, false",
    "3, 3, true",
    "0, 1, false",
  })
  void aCacheOfSomeLayersResumesFromTheHiddenRowsOfTheLastFullPass(
      int first, int last, boolean memoised) throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      try (Both both = new Both(RandomTransformer.config(4, zeroCondT, false), memoised)) {
        List<ReferenceKvCache> cache = List.of(both.cache(first, last, ROWS));
        StepPlan cached = new StepPlan.Cached(first, last);
        both.compare(StepPlan.FULL, cache, SlowForward.EVERYTHING);
        both.compare(cached, cache, without(first, last));
        both.compare(cached, cache, without(first, last));
        both.compare(StepPlan.FULL, cache, SlowForward.EVERYTHING);
        both.compare(cached, cache, without(first, last));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void underACausalMaskEveryPlanDoesTheSame(boolean memoised) throws IOException {
    try (Both both = new Both(RandomTransformer.causal(4), memoised)) {
      List<ReferenceKvCache> each = List.of(both.cache(0, 3, 9), both.cache(0, 3, 24));
      StepPlan cached = new StepPlan.Cached(0, 9);
      both.pass(new StepPlan.Prefill(1), each, 0.3f);
      both.pass(new StepPlan.Prefill(0), each, 0.9f);
      both.compare(StepPlan.FULL, List.of(), SlowForward.EVERYTHING);
      both.compare(cached, each, SlowForward.EVERYTHING); // the references never change

      List<ReferenceKvCache> cache = List.of(both.cache(0, 3, ROWS));
      both.compare(StepPlan.FULL, cache, SlowForward.EVERYTHING);
      for (List<Integer> slices : List.of(List.of(0), List.of(1, 2))) {
        StepPlan.Partial partial = new StepPlan.Partial(3, slices);
        both.compare(partial, cache, slice(partial));
      }
      both.compare(cached, cache, without(0, 9));
      List<ReferenceKvCache> some = List.of(both.cache(1, 2, ROWS));
      both.compare(StepPlan.FULL, some, SlowForward.EVERYTHING);
      both.compare(new StepPlan.Cached(1, 2), some, without(1, 2));
    }
  }

  @Test
  void itTellsEveryPlanFromEveryOther() throws IOException {
    try (Both both = new Both(RandomTransformer.config(4, true, false), false)) {
      List<SlowForward.Computes> plans =
          List.of(
              SlowForward.EVERYTHING,
              without(0, 9),
              without(0, 1),
              without(2, 3),
              slice(new StepPlan.Partial(3, List.of(0))),
              slice(new StepPlan.Partial(3, List.of(1))));
      List<float[]> seen = new ArrayList<>();
      float[] tokens = both.tokens.toFloatArray();
      float[] prompt = both.prompt.toFloatArray();
      float[] later = tokens.clone();
      Arrays.fill(later, 0, TARGET * 8, 0.3f);
      for (SlowForward.Computes plan : plans) {
        both.slow.forward(tokens, prompt, 0.9f, SlowForward.EVERYTHING);
        seen.add(both.slow.forward(later, prompt, 0.4f, plan));
      }
      for (int i = 0; i < plans.size(); i++) {
        for (int k = 0; k < i; k++) {
          assertThat(TensorAssert.compare("plans", seen.get(i), seen.get(k)).maxRel())
              .isGreaterThan(20 * TOLERANCE);
        }
      }
    }
  }
}
