package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.model.debug.Taps;
import inkstone.ops.Attention;
import inkstone.ops.AttentionMask;
import inkstone.ops.Compute;
import inkstone.ops.QkNormRope;
import inkstone.tensor.Tensor;

/**
 * Attention of one block over text and image rows together: {@code
 * QwenDoubleStreamAttnProcessor2_0} of diffusers' {@code transformer_qwenimage.py}. Each stream has
 * its own projections; every row sees every row.
 *
 * <p>After norm and RoPE, keys and values lie in {@link DitState#key} and {@link DitState#value} in
 * the order [text, target, reference 1, …]; there {@link BlockPass#exchange} keeps the rows of the
 * references or completes them.
 */
final class JointAttention {
  private final float scale;
  private final LinearLayer toQ;
  private final LinearLayer toK;
  private final LinearLayer toV;
  private final LinearLayer toOut;
  private final LinearLayer addQProj;
  private final LinearLayer addKProj;
  private final LinearLayer addVProj;
  private final LinearLayer toAddOut;
  private final Tensor normQ;
  private final Tensor normK;
  private final Tensor normAddedQ;
  private final Tensor normAddedK;

  /**
   * @param weights cursor at {@code attn}
   */
  JointAttention(LayerWeights weights, long innerDim, long headDim) throws CheckpointException {
    scale = (float) (1 / Math.sqrt(headDim));
    toQ = weights.linear("to_q", innerDim, innerDim);
    toK = weights.linear("to_k", innerDim, innerDim);
    toV = weights.linear("to_v", innerDim, innerDim);
    toOut = weights.linear("to_out.0", innerDim, innerDim);
    addQProj = weights.linear("add_q_proj", innerDim, innerDim);
    addKProj = weights.linear("add_k_proj", innerDim, innerDim);
    addVProj = weights.linear("add_v_proj", innerDim, innerDim);
    toAddOut = weights.linear("to_add_out", innerDim, innerDim);
    normQ = weights.at("norm_q").tensor("weight", headDim);
    normK = weights.at("norm_k").tensor("weight", headDim);
    normAddedQ = weights.at("norm_added_q").tensor("weight", headDim);
    normAddedK = weights.at("norm_added_k").tensor("weight", headDim);
  }

  /**
   * Adds the attention over {@code state.normed}, the modulated rows, to {@code state.hidden}.
   *
   * <p>L text, I image, N = L + I tokens; H heads of d channels, D = H·d.
   *
   * @param path module path of this attention; the keys and values of the rows that are there are
   *     tapped at {@code path.key} and {@code path.value}
   */
  void forward(Compute compute, DitState state, BlockPass pass, int layer, String path, Taps taps) {
    ActiveRows fresh = pass.fresh(layer);
    ActiveRows queries = pass.queries(layer);
    project(compute, state, queries.text(), state.query, addQProj); // [L, D]
    project(compute, state, fresh.text(), state.key, addKProj); // [L, D]
    project(compute, state, fresh.text(), state.value, addVProj); // [L, D]
    project(compute, state, queries.image(), state.query, toQ); // [I, D]
    project(compute, state, fresh.image(), state.key, toK); // [I, D]
    project(compute, state, fresh.image(), state.value, toV); // [I, D]

    DitState.Rows text = fresh.text();
    normAndTurn(
        compute, state.query, queries.text(), normAddedQ, text.of(state.cos), text.of(state.sin));
    normAndTurn(compute, state.key, text, normAddedK, text.of(state.cos), text.of(state.sin));
    normAndTurn(compute, state.query, queries.image(), normQ, queries.cos(), queries.sin());
    normAndTurn(compute, state.key, fresh.image(), normK, fresh.cos(), fresh.sin());
    pass.exchange(layer);

    DitState.Rows rows = pass.rows(layer).all();
    taps.tap(path + ".key", rows.of(state.key));
    taps.tap(path + ".value", rows.of(state.value));

    for (BlockPass.Part part : pass.parts(layer)) {
      Attention.forward(
          compute,
          part.queries().of(state.attended),
          part.queries().of(state.query),
          part.keys(),
          AttentionMask.NONE,
          scale); // [queries, H, d]
      pass.attended(part);
    }

    for (DitState.Span span : pass.onward(layer).spans()) {
      LinearLayer out = span.text() ? toAddOut : toOut;
      out.addGated(
          compute,
          state.lora,
          span.hidden(),
          span.modulation().gate1(),
          span.attended()); // [rows, D]
    }
  }

  private static void project(
      Compute compute, DitState state, DitState.Rows rows, Tensor heads, LinearLayer layer) {
    if (rows.count() > 0) {
      layer.forward(compute, state.lora, rows.flat(heads), rows.of(state.normed)); // [rows, D]
    }
  }

  /** RMS norm over the channels of each head, then RoPE, of the queries or keys of some rows. */
  private static void normAndTurn(
      Compute compute, Tensor heads, DitState.Rows rows, Tensor weight, Tensor cos, Tensor sin) {
    if (rows.count() > 0) {
      QkNormRope.interleaved(
          compute, rows.of(heads), weight, cos, sin, TransformerBlock.EPS); // [rows, H, d]
    }
  }
}
