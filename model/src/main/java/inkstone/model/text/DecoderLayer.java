package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TextConfig;
import inkstone.memory.TensorArena;
import inkstone.ops.Attention;
import inkstone.ops.AttentionMask;
import inkstone.ops.Compute;
import inkstone.ops.Elementwise;
import inkstone.ops.Linear;
import inkstone.ops.RmsNorm;
import inkstone.ops.Rope;
import inkstone.tensor.Tensor;

/**
 * One layer of the Qwen2.5-VL decoder: causal grouped-query attention and a SwiGLU network, each
 * behind an RMSNorm and added to the residual stream.
 */
final class DecoderLayer {
  private final int heads;
  private final int keyValueHeads;
  private final int headDim;
  private final float eps;
  private final float scale;

  private final Tensor inputLayernorm;
  private final Tensor qProj;
  private final Tensor qBias;
  private final Tensor kProj;
  private final Tensor kBias;
  private final Tensor vProj;
  private final Tensor vBias;
  private final Tensor oProj;
  private final Tensor postAttentionLayernorm;
  private final GatedMlp mlp;

  /**
   * @param w the cursor at the layer, as {@code model.layers.0}
   */
  DecoderLayer(TextConfig config, Weights w) throws CheckpointException {
    heads = config.numAttentionHeads();
    keyValueHeads = config.numKeyValueHeads();
    headDim = config.headDim();
    eps = config.rmsNormEps();
    scale = (float) Math.pow(headDim, -0.5);
    int hidden = config.hiddenSize();
    int q = heads * headDim;
    int kv = keyValueHeads * headDim;
    Weights attn = w.at("self_attn");
    inputLayernorm = w.tensor("input_layernorm.weight", hidden);
    qProj = attn.tensor("q_proj.weight", q, hidden);
    qBias = attn.tensor("q_proj.bias", q);
    kProj = attn.tensor("k_proj.weight", kv, hidden);
    kBias = attn.tensor("k_proj.bias", kv);
    vProj = attn.tensor("v_proj.weight", kv, hidden);
    vBias = attn.tensor("v_proj.bias", kv);
    oProj = attn.tensor("o_proj.weight", hidden, q);
    postAttentionLayernorm = w.tensor("post_attention_layernorm.weight", hidden);
    mlp = new GatedMlp(w.at("mlp"), hidden, config.intermediateSize());
  }

  /** Buffers that all layers of one forward pass share. */
  LayerBuffers buffers(TensorArena arena, int tokens) {
    return LayerBuffers.of(
        arena, tokens, inputLayernorm.dim(0), heads, keyValueHeads, headDim, mlp);
  }

  /**
   * Runs the layer on the residual stream.
   *
   * @param x [S, hidden], changed in place
   */
  void forward(Compute c, Tensor x, RotaryTable rotary, LayerBuffers b) {
    RmsNorm.forward(c, b.normed(), x, inputLayernorm, eps); // [S, hidden]
    Linear.forward(c, LayerBuffers.flat(b.q()), b.normed(), qProj, qBias); // [S, heads · headDim]
    Linear.forward(
        c, LayerBuffers.flat(b.k()), b.normed(), kProj, kBias); // [S, keyValueHeads · headDim]
    Linear.forward(c, LayerBuffers.flat(b.v()), b.normed(), vProj, vBias);
    Rope.halfSplit(c, b.q(), rotary.cos(), rotary.sin()); // [S, heads, headDim]
    Rope.halfSplit(c, b.k(), rotary.cos(), rotary.sin());
    Attention.forward(c, b.attention(), b.q(), b.k(), b.v(), AttentionMask.CAUSAL, scale);
    Linear.forward(c, b.update(), LayerBuffers.flat(b.attention()), oProj, null); // [S, hidden]
    Elementwise.add(c, x, x, b.update());

    RmsNorm.forward(c, b.normed(), x, postAttentionLayernorm, eps);
    mlp.forward(c, b.update(), b.normed(), b.mlp());
    Elementwise.add(c, x, x, b.update());
  }
}
