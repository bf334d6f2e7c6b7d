package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QwenImageTransformerTest {
  private static final LatentGrid TARGET = new LatentGrid(4, 5);
  private static final LatentGrid FIRST = new LatentGrid(3, 3);
  private static final LatentGrid SECOND = new LatentGrid(2, 6);
  private static final String KEY_0 = "transformer_blocks.0.attn.key";
  private static final String VALUE_0 = "transformer_blocks.0.attn.value";

  @TempDir Path folder;

  @Test
  void anyThreadCountGivesTheSameBits() throws IOException {
    float[] one = forward(1);
    TensorAssert.assertBits("2 threads", one, forward(2));
    TensorAssert.assertBits("3 threads", one, forward(3));
  }

  private float[] forward(int threads) throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, threads)) {
      return model.run(6, TARGET, FIRST, SECOND).forward(0.7f);
    }
  }

  @Test
  void aStateKeepsNothingFromOneForwardToTheNext() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 2)) {
      var run = model.run(6, TARGET, FIRST);
      float[] first = run.forward(0.7f);
      float[] other = run.forward(0.3f);
      assertThat(other).isNotEqualTo(first);
      TensorAssert.assertBits("again", first, run.forward(0.7f));
      TensorAssert.assertBits("fresh state", first, model.run(6, TARGET, FIRST).forward(0.7f));
    }
  }

  @Test
  void aCheckpointStopsBeforeEachBlockAndLeavesTheStateReusable() throws IOException {
    TransformerConfig config = RandomTransformer.config(3, true, false);
    try (var model = new RandomTransformer(folder, config, 2)) {
      var run = model.run(6, TARGET, FIRST);
      float[] expected = run.forward(0.7f);
      assertThat(run.checkpoints).isEqualTo(3);
      for (int block = 0; block < 3; block++) {
        run.seen.clear();
        run.cancelAt = block;
        assertThatThrownBy(() -> run.forward(0.2f)).isInstanceOf(CancellationException.class);
        assertThat(run.seen).doesNotContainKey("transformer_blocks." + block);
        run.cancelAt = -1;
        TensorAssert.assertBits("after a stop at block " + block, expected, run.forward(0.7f));
      }
    }
  }

  @Test
  void everyKeyIsTappedWithItsRows() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 1)) {
      var run = model.run(6, TARGET, FIRST);
      float[] velocity = run.forward(0.7f);
      Map<String, Integer> expected =
          Map.ofEntries(
              Map.entry("img_in", 29 * 24),
              Map.entry("txt_in", 6 * 24),
              Map.entry("time_text_embed", 2 * 24),
              Map.entry("pos_embed.cos", 35 * 6),
              Map.entry("pos_embed.sin", 35 * 6),
              Map.entry("transformer_blocks.0", 29 * 24),
              Map.entry("transformer_blocks.0.txt", 6 * 24),
              Map.entry("transformer_blocks.0.attn.key", 35 * 24),
              Map.entry("transformer_blocks.0.attn.value", 35 * 24),
              Map.entry("transformer_blocks.1", 29 * 24),
              Map.entry("transformer_blocks.1.txt", 6 * 24),
              Map.entry("transformer_blocks.1.attn.key", 35 * 24),
              Map.entry("transformer_blocks.1.attn.value", 35 * 24),
              Map.entry("norm_out", 20 * 24),
              Map.entry("proj_out", 20 * 8));
      assertThat(run.seen.keySet()).containsExactlyInAnyOrderElementsOf(expected.keySet());
      expected.forEach((key, size) -> assertThat(run.seen.get(key)).as(key).hasSize(size));
      TensorAssert.assertBits("proj_out", velocity, run.seen.get("proj_out"));
    }
  }

  @Test
  void firstReferenceKeysAndValuesStayOverTimeOnlyWithZeroCondT() throws IOException {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      TransformerConfig config = RandomTransformer.config(2, zeroCondT, false);
      try (var model = new RandomTransformer(folder, config, 2)) {
        var run = model.run(6, TARGET, FIRST, SECOND);
        run.forward(0.9f);
        float[][] before = firstBlock(run);
        run.images.set(0, RandomTransformer.random(model.arena, 5, "target", TARGET.tokens(), 8));
        run.forward(0.2f);
        float[][] after = firstBlock(run);
        for (int i = 0; i < before.length; i++) {
          if (zeroCondT) {
            TensorAssert.assertBits("reference rows " + i, before[i], after[i]);
          } else {
            assertThat(after[i]).isNotEqualTo(before[i]);
          }
        }
      }
    }
  }

  private static float[][] firstBlock(RandomTransformer.Run run) {
    return new float[][] {
      run.imageRows(KEY_0, 1),
      run.imageRows(VALUE_0, 1),
      run.imageRows(KEY_0, 2),
      run.imageRows(VALUE_0, 2)
    };
  }

  @Test
  void aRowOfTheFirstBlocksValuesDependsOnItsOwnTokenOnly() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 3)) {
      var pair = model.run(6, TARGET, FIRST, SECOND);
      pair.forward(0.7f);
      var alone = model.run(1, TARGET, FIRST);
      alone.forward(0.7f);
      TensorAssert.assertBits("target", alone.imageRows(VALUE_0, 0), pair.imageRows(VALUE_0, 0));
      TensorAssert.assertBits("reference", alone.imageRows(VALUE_0, 1), pair.imageRows(VALUE_0, 1));
      TensorAssert.assertBits("key", alone.imageRows(KEY_0, 1), pair.imageRows(KEY_0, 1));
    }
  }

  @Test
  void orderAndLengthOfTheTextMatter() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 1)) {
      var run = model.run(6, TARGET, FIRST);
      float[] straight = run.forward(0.7f);
      float[] row = run.text.rows(0, 1).toFloatArray();
      run.text.rows(0, 1).copyFrom(run.text.rows(5, 6));
      run.text.rows(5, 6).copyFrom(row);
      assertThat(run.forward(0.7f)).isNotEqualTo(straight);
      assertThat(model.run(7, TARGET, FIRST).forward(0.7f))
          .hasSameSizeAs(straight)
          .isNotEqualTo(straight);
    }
  }

  @Test
  void orderOfTheReferencesMatters() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 1)) {
      var run = model.run(6, TARGET, FIRST, FIRST);
      float[] straight = run.forward(0.7f);
      Collections.swap(run.images, 1, 2);
      assertThat(run.forward(0.7f)).isNotEqualTo(straight);
    }
  }

  @Test
  void additionalConditionIsAskedForExactlyWhenTheModelHasIt() throws IOException {
    TransformerConfig with = RandomTransformer.config(1, true, true);
    try (var model = new RandomTransformer(folder, with, 1)) {
      var run = model.run(6, TARGET);
      assertThat(run.forward(0.7f, 0)).isNotEqualTo(run.forward(0.7f, 1));
      assertThatThrownBy(() -> run.forward(0.7f))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "QwenImageTransformer.forward: the model has use_additional_t_cond, expected an"
                  + " additionalTCond of 0 or 1, got none; pass one");
      assertThatThrownBy(() -> run.forward(0.7f, 2))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "QwenImageTransformer.forward: additionalTCond, expected 0 or 1, got 2; pass one of"
                  + " them");
    }
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 1)) {
      var run = model.run(6, TARGET);
      assertThatThrownBy(() -> run.forward(0.7f, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("the model has no use_additional_t_cond");
    }
  }

  @Test
  void inputsOfAnotherSizeAreRefusedByName() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 1)) {
      var run = model.run(6, TARGET, FIRST);
      Tensor image = run.imageTokens();
      assertThatThrownBy(() -> forward(model, run, image.rows(0, 20), run.text, 0.5f))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "QwenImageTransformer.forward: imageTokens (target and references), expected"
                  + " F32[29, 8], got F32[20, 8] (imageTokens); make a state for these sizes with"
                  + " newState");
      assertThatThrownBy(() -> forward(model, run, image.view(8, 29), run.text, 0.5f))
          .hasMessageContaining("expected F32[29, 8], got F32[8, 29]");
      assertThatThrownBy(() -> forward(model, run, image, run.text.rows(0, 5), 0.5f))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("text, expected F32[6, 10], got F32[5, 10] (text)");
      Tensor half = Tensor.allocate(model.arena, "half", DType.BF16, Shape.of(6, 10));
      assertThatThrownBy(() -> forward(model, run, image, half, 0.5f))
          .hasMessageContaining("text, expected F32[6, 10], got BF16[6, 10] (half)");
      for (float timestep : new float[] {Float.NaN, -0.1f, 500}) {
        assertThatThrownBy(() -> forward(model, run, image, run.text, timestep))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage(
                "QwenImageTransformer.forward: timestep, expected a noise level of 0 to 1, got "
                    + timestep
                    + "; divide the schedule's timestep by 1000");
      }
    }
  }

  private static void forward(
      RandomTransformer model, RandomTransformer.Run run, Tensor image, Tensor text, float t) {
    model.transformer.forward(run.state, image, text, t, Taps.NONE);
  }

  @Test
  void aStateOfAnotherModelIsRefused() throws IOException {
    TransformerConfig other = RandomTransformer.config(1, true, false);
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 1);
        var stranger = new RandomTransformer(folder, other, 1)) {
      var run = model.run(6, TARGET);
      var foreign = stranger.run(6, TARGET);
      assertThatThrownBy(() -> forward(model, foreign, run.imageTokens(), run.text, 0.5f))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("QwenImageTransformer.forward: state of another model");
    }
  }

  @Test
  void aClosedArenaIsAnIllegalState() throws IOException {
    try (var model = new RandomTransformer(folder, RandomTransformer.CONFIG, 1)) {
      var run = model.run(6, TARGET);
      DitState state;
      try (TensorArena gone = TensorArena.open("gone")) {
        state = model.transformer.newState(gone, 6, List.of(TARGET));
      }
      assertThatThrownBy(
              () -> model.transformer.forward(state, run.imageTokens(), run.text, 0.5f, Taps.NONE))
          .isInstanceOf(IllegalStateException.class);
    }
  }

  @Test
  void whatIsNotDoneIsRefusedByName() {
    assertRefused(
        with(true, List.of(2, 6, 4), false), "guidance_embeds is true, which Inkstone does not do");
    assertRefused(
        with(false, List.of(2, 6, 4), true),
        "use_layer3d_rope is true, which Inkstone does not do");
    assertRefused(
        with(false, List.of(2, 6, 6), false),
        "axes_dims_rope sum, expected attention_head_dim 12, got 14 from [2, 6, 6]");
    assertRefused(
        with(false, List.of(3, 5, 4), false),
        "axes_dims_rope, expected three even sizes, got [3, 5, 4]");
    assertRefused(
        with(false, List.of(6, 6), false), "axes_dims_rope, expected three even sizes, got [6, 6]");
  }

  private static TransformerConfig with(
      boolean guidanceEmbeds, List<Integer> axes, boolean layer3d) {
    return new TransformerConfig(
        2, 8, 2, 1, 12, 2, 10, guidanceEmbeds, axes, true, false, layer3d, ReferenceMask.NONE);
  }

  private void assertRefused(TransformerConfig config, String message) {
    assertThatThrownBy(() -> new RandomTransformer(folder, config, 1).close())
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(message);
  }

  @Test
  void everyWeightIsAskedForByNameAndShape() throws IOException {
    TransformerConfig config = RandomTransformer.config(1, true, true);
    for (String name : RandomTransformer.shapes(config).keySet()) {
      Map<String, long[]> shapes = RandomTransformer.shapes(config);
      long[] dims = shapes.remove(name);
      assertUnfit(config, shapes, name);
      dims[0]++;
      shapes.put(name, dims);
      assertUnfit(config, shapes, name);
    }
  }

  private void assertUnfit(TransformerConfig config, Map<String, long[]> shapes, String name)
      throws IOException {
    try (TensorArena arena = TensorArena.open("test");
        Compute compute = Compute.open(1)) {
      var weights = RandomTransformer.write(arena, folder, shapes);
      assertThatThrownBy(() -> new QwenImageTransformer(compute, config, weights))
          .isInstanceOf(CheckpointException.class)
          .hasMessageContaining(name);
    }
  }
}
