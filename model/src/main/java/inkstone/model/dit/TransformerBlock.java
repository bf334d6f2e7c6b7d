package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.ops.LayerNorm;

/**
 * One dual-stream block: {@code QwenImageTransformerBlock} of diffusers' {@code
 * transformer_qwenimage.py}. Text and image rows have their own weights and meet in the attention.
 *
 * <p>It holds weights only; all rows live in the {@link DitState}.
 */
final class TransformerBlock {
  /** Of every norm of the block. */
  static final float EPS = 1e-6f;

  private final Modulation imgMod;
  private final Modulation txtMod;
  private final JointAttention attn;
  private final FeedForward imgMlp;
  private final FeedForward txtMlp;

  /**
   * @param weights cursor at {@code transformer_blocks.i}
   */
  TransformerBlock(LayerWeights weights, long innerDim, long headDim) throws CheckpointException {
    imgMod = new Modulation(weights.at("img_mod"), innerDim);
    txtMod = new Modulation(weights.at("txt_mod"), innerDim);
    attn = new JointAttention(weights.at("attn"), innerDim, headDim);
    imgMlp = new FeedForward(weights.at("img_mlp"), innerDim);
    txtMlp = new FeedForward(weights.at("txt_mlp"), innerDim);
  }

  /**
   * Advances {@code state.hidden} by one block. Each span is a run of rows with one modulation:
   * text, target, and references where their modulation differs from the target's ({@code
   * zero_cond_t}). The pass says which rows are projected and which go on.
   *
   * @param layer index of this block
   * @param path module path of this block, for taps
   */
  void forward(Compute compute, DitState state, BlockPass pass, int layer, String path, Taps taps) {
    for (DitState.Condition condition : pass.conditions(layer)) {
      Modulation modulation = condition == DitState.Condition.TEXT ? txtMod : imgMod;
      pass.modulate(layer, condition, modulation); // 6 × [D]
    }

    for (DitState.Span span : pass.fresh(layer).spans()) {
      LayerNorm.modulated(
          compute,
          span.normed(),
          span.hidden(),
          span.modulation().shift1(),
          span.modulation().scale1(),
          EPS); // [rows, D]
    }
    attn.forward(compute, state, pass, layer, path + ".attn", taps);

    ActiveRows onward = pass.onward(layer);
    for (DitState.Span span : onward.spans()) {
      LayerNorm.modulated(
          compute,
          span.normed(),
          span.hidden(),
          span.modulation().shift2(),
          span.modulation().scale2(),
          EPS); // [rows, D]
    }
    expand(compute, state, txtMlp, onward.text());
    expand(compute, state, imgMlp, onward.image());
    for (DitState.Span span : onward.spans()) {
      FeedForward mlp = span.text() ? txtMlp : imgMlp;
      mlp.addGated(
          compute,
          state.lora,
          span.hidden(),
          span.modulation().gate2(),
          span.mlpHidden()); // [rows, D]
    }
    pass.end(layer);
  }

  private static void expand(Compute compute, DitState state, FeedForward mlp, DitState.Rows rows) {
    if (rows.count() > 0) {
      mlp.expand(
          compute, state.lora, rows.of(state.mlpHidden), rows.of(state.normed)); // [rows, 4·D]
    }
  }
}
