package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Models whose references attend to themselves alone, at t = 0: a prefill loses nothing. */
final class CausalForwardTest {
  private static final List<LatentGrid> GRIDS =
      List.of(
          new LatentGrid(3, 4), new LatentGrid(2, 3), new LatentGrid(5, 3), new LatentGrid(1, 4));
  private static final StepPlan CACHED = new StepPlan.Cached(0, KvPolicy.LAST_LAYER);

  @TempDir Path folder;

  private RandomTransformer model(int threads) throws IOException {
    return new RandomTransformer(folder, RandomTransformer.causal(3), threads);
  }

  private static Loop.Request request(int steps, boolean guided, int references) {
    return new Loop.Request(1, steps, guided, GRIDS.subList(0, 1 + references));
  }

  @Test
  void prefillThenCachedIsTheFullForwardBitForBit() throws IOException {
    try (var model = model(2)) {
      for (int steps : new int[] {1, 3}) {
        for (int references = 0; references <= 3; references++) {
          for (boolean guided : new boolean[] {false, true}) {
            Loop.Request request = request(steps, guided, references);
            List<float[]> off = Loop.off(model, request);
            for (KvPolicy policy : List.of(new KvPolicy.Causal(false), KvPolicy.exact())) {
              Loop.assertBits(
                  request + " " + policy, off, Loop.trace(model, request, policy, KvDtype.F32));
            }
          }
        }
      }
    }
  }

  @Test
  void aPrefillReadsNeitherTextNorTargetNorOtherReferencesNorTheTimestep() throws IOException {
    try (var model = model(1);
        Loop off = new Loop(model, request(1, false, 3), KvPolicy.off(), KvDtype.F32);
        Loop loop =
            new Loop(model, request(1, false, 3), new KvPolicy.Causal(false), KvDtype.F32)) {
      Loop.Branch b = loop.branches.getFirst();
      float[] tokens = loop.imageTokens.toFloatArray();
      float[] text = b.text.toFloatArray();
      float[] timesteps = {1, 0, 0.37f};
      fill(b.text, Float.NaN);
      for (int reference : new int[] {2, 0, 1}) { // in any order
        DitState.Rows rows = b.state.imageRows(reference + 1);
        int from = Math.toIntExact(rows.from() - 6);
        int to = Math.toIntExact(rows.to() - 6);
        fill(loop.imageTokens, Float.NaN);
        loop.imageTokens.rows(from, to).copyFrom(Arrays.copyOfRange(tokens, from * 8, to * 8));
        loop.pass(b, 0, new StepPlan.Prefill(reference), timesteps[reference]);
      }
      fill(loop.imageTokens, Float.NaN);
      loop.latents.copyFrom(off.latents);
      b.text.copyFrom(text);
      TensorAssert.assertBits("cached", off.forward(0, 0), loop.pass(b, 0, CACHED, 1));
    }
  }

  private static void fill(Tensor tensor, float value) {
    float[] values = new float[Math.toIntExact(tensor.elements())];
    Arrays.fill(values, value);
    tensor.copyFrom(values);
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2})
  void aReferenceIsSeenByTheTargetButSeesNothingElse(int changed) throws IOException {
    try (var model = model(1);
        Loop loop = new Loop(model, request(1, false, 3), KvPolicy.off(), KvDtype.F32);
        Loop other = new Loop(model, request(1, false, 3), KvPolicy.off(), KvDtype.F32)) {
      DitState state = loop.branches.getFirst().state;
      DitState.Rows rows = state.imageRows(changed + 1);
      fill(other.imageTokens.rows(rows.from() - 6, rows.to() - 6), 0.4f);
      List<float[]> before = new ArrayList<>();
      List<float[]> after = new ArrayList<>();
      loop.taps = lastKeys(before);
      other.taps = lastKeys(after);
      assertThat(other.forward(0, 0)).isNotEqualTo(loop.forward(0, 0));
      for (int i = 0; i < 3; i++) {
        DitState.Rows mine = state.imageRows(i + 1);
        float[] was = part(before.getFirst(), mine);
        float[] is = part(after.getFirst(), mine);
        assertThat(Arrays.equals(was, is)).as("reference %d", i).isEqualTo(i != changed);
      }
      assertThat(part(before.getFirst(), state.targetRows()))
          .isNotEqualTo(part(after.getFirst(), state.targetRows()));
    }
  }

  private static Taps lastKeys(List<float[]> seen) {
    return new Taps() {
      @Override
      public void tap(String key, Tensor value) {
        if (key.equals("transformer_blocks.2.attn.key")) {
          seen.add(value.toFloatArray());
        }
      }
    };
  }

  private static float[] part(float[] all, DitState.Rows rows) {
    return Arrays.copyOfRange(
        all, Math.toIntExact(rows.from() * 24), Math.toIntExact(rows.to() * 24));
  }

  @Test
  void anyThreadCountGivesTheSameBits() throws IOException {
    List<float[]> expected = null;
    for (int threads : new int[] {1, 2, 5}) {
      try (var model = model(threads)) {
        List<float[]> trace =
            Loop.trace(model, request(2, true, 3), new KvPolicy.Causal(false), KvDtype.F32);
        expected = expected == null ? trace : expected;
        Loop.assertBits(threads + " threads", expected, trace);
      }
    }
  }

  /** Other policies work on such a model too: the first step is off, the mask holds in all. */
  @Test
  void lossyPoliciesObeyTheMask() throws IOException {
    try (var model = model(1)) {
      Loop.Request request = request(4, false, 3);
      List<float[]> off = Loop.off(model, request);
      for (KvPolicy policy : CachedLoopTest.LOSSY) {
        // References never change, so keeping them loses nothing.
        Loop.assertBits(policy.toString(), off, Loop.trace(model, request, policy, KvDtype.F32));
      }
    }
  }

  @Test
  void aPrefillThatIsCutShortLeavesNothingToRead() throws IOException {
    try (var model = model(1)) {
      for (int block = 0; block < 3; block++) {
        try (Loop loop =
            new Loop(model, request(2, false, 2), new KvPolicy.Causal(false), KvDtype.F32)) {
          int at = block;
          loop.taps =
              new Taps() {
                private int seen;

                @Override
                public void checkpoint() {
                  if (seen++ == 3 + at) { // of the second reference
                    throw new IllegalStateException("broken off by the test");
                  }
                }
              };
          assertThatThrownBy(() -> loop.forward(0, 0)).hasMessage("broken off by the test");
          Loop.Branch b = loop.branches.getFirst();
          assertThat(b.caches).extracting(ReferenceKvCache::filled).containsExactly(true, false);
          loop.taps = Taps.NONE;
          assertThatThrownBy(() -> loop.pass(b, 0, CACHED, 0.5f))
              .isInstanceOf(IllegalStateException.class)
              .hasMessageContaining("run a full pass first");
          loop.pass(b, 0, new StepPlan.Prefill(1), 0.5f);
          loop.forward(0, 0);
        }
      }
    }
  }

  @Test
  void cachesInAnotherOrderOrOfOtherReferencesAreRefused() throws IOException {
    try (var model = model(1);
        Loop loop =
            new Loop(model, request(1, false, 2), new KvPolicy.Causal(false), KvDtype.F32)) {
      Loop.Branch b = loop.branches.getFirst();
      loop.forward(0, 0);
      for (List<ReferenceKvCache> wrong :
          List.of(
              b.caches.reversed(),
              b.caches.subList(0, 1),
              List.of(b.caches.get(0), b.caches.get(1), b.caches.get(0)))) {
        for (StepPlan plan : List.of(CACHED, new StepPlan.Prefill(0))) {
          ReferencePass reuse = new ReferencePass(plan, wrong, loop.memo, 0);
          assertThatThrownBy(() ->
                  model.transformer.forwardWithCachedReferences(
                      b.state, reuse, loop.imageTokens, b.text, 0.5f, Taps.NONE))
              .isInstanceOf(IllegalArgumentException.class)
              .hasMessageContaining("expected 21 reference rows of 2x12");
        }
      }
      // Several caches cannot be written by a pass over all references.
      for (StepPlan plan : List.of(StepPlan.FULL, new StepPlan.Partial(2, List.of(0)))) {
        ReferencePass reuse = new ReferencePass(plan, b.caches, loop.memo, 0);
        assertThatThrownBy(() ->
                model.transformer.forwardWithCachedReferences(
                    b.state, reuse, loop.imageTokens, b.text, 0.5f, Taps.NONE))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("expected 21 reference rows of 2x12");
        assertThat(b.caches).allMatch(ReferenceKvCache::filled);
      }
      KvLayout fewer = new KvLayout(0, 1, 6, 2, 12, KvDtype.F32, true);
      try (var cache = ReferenceKvCache.open(model.compute, model.arena, fewer)) {
        ReferencePass reuse =
            new ReferencePass(
                new StepPlan.Prefill(0), List.of(cache, b.caches.get(1)), loop.memo, 0);
        assertThatThrownBy(() ->
                model.transformer.forwardWithCachedReferences(
                    b.state, reuse, loop.imageTokens, b.text, 0.5f, Taps.NONE))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("layers of Prefill[reference=0]");
      }
    }
  }
}
