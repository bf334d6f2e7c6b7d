package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
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
 * the order [text, target, reference 1, …]: whoever wants to keep or replace the rows of an image
 * finds them at {@link DitState#imageRows}.
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
  JointAttention(Weights weights, long innerDim, long headDim) throws CheckpointException {
    scale = (float) (1 / Math.sqrt(headDim));
    toQ = LinearLayer.read(weights.at("to_q"), innerDim, innerDim);
    toK = LinearLayer.read(weights.at("to_k"), innerDim, innerDim);
    toV = LinearLayer.read(weights.at("to_v"), innerDim, innerDim);
    toOut = LinearLayer.read(weights.at("to_out.0"), innerDim, innerDim);
    addQProj = LinearLayer.read(weights.at("add_q_proj"), innerDim, innerDim);
    addKProj = LinearLayer.read(weights.at("add_k_proj"), innerDim, innerDim);
    addVProj = LinearLayer.read(weights.at("add_v_proj"), innerDim, innerDim);
    toAddOut = LinearLayer.read(weights.at("to_add_out"), innerDim, innerDim);
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
   * @param path module path of this attention; keys and values are tapped at {@code path.key} and
   *     {@code path.value}
   */
  void forward(Compute compute, DitState state, String path, Taps taps) {
    DitState.Rows text = state.textRows();
    DitState.Rows image = state.allImageRows();
    Tensor textNormed = text.of(state.normed); // [L, D]
    Tensor imageNormed = image.of(state.normed); // [I, D]

    addQProj.forward(compute, text.flat(state.query), textNormed); // [L, D]
    addKProj.forward(compute, text.flat(state.key), textNormed); // [L, D]
    addVProj.forward(compute, text.flat(state.value), textNormed); // [L, D]
    toQ.forward(compute, image.flat(state.query), imageNormed); // [I, D]
    toK.forward(compute, image.flat(state.key), imageNormed); // [I, D]
    toV.forward(compute, image.flat(state.value), imageNormed); // [I, D]

    normAndTurn(compute, state, text, normAddedQ, normAddedK); // [L, H, d]
    normAndTurn(compute, state, image, normQ, normK); // [I, H, d]

    taps.tap(path + ".key", state.key);
    taps.tap(path + ".value", state.value);

    Attention.forward(
        compute,
        state.attended,
        state.query,
        state.key,
        state.value,
        AttentionMask.NONE,
        scale); // [N, H, d]

    for (DitState.Span span : state.spans()) {
      LinearLayer out = span.text() ? toAddOut : toOut;
      out.addGated(compute, span.hidden(), span.modulation().gate1(), span.attended()); // [rows, D]
    }
  }

  /** RMS norm over the channels of each head, then RoPE, of the queries and keys of some rows. */
  private static void normAndTurn(
      Compute compute, DitState state, DitState.Rows rows, Tensor queryNorm, Tensor keyNorm) {
    Tensor cos = rows.of(state.cos);
    Tensor sin = rows.of(state.sin);
    QkNormRope.interleaved(
        compute, rows.of(state.query), queryNorm, cos, sin, TransformerBlock.EPS);
    QkNormRope.interleaved(compute, rows.of(state.key), keyNorm, cos, sin, TransformerBlock.EPS);
  }
}
