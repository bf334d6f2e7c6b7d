package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.VisionConfig;
import inkstone.memory.TensorArena;
import inkstone.ops.Attention;
import inkstone.ops.AttentionMask;
import inkstone.ops.Compute;
import inkstone.ops.Elementwise;
import inkstone.ops.Linear;
import inkstone.ops.RmsNorm;
import inkstone.ops.Rope;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * One block of the vision tower: attention without a causal mask and a SwiGLU network, each behind
 * an RMSNorm and added to the residual stream.
 */
final class VisionBlock {
  static final float EPS = 1e-6f;

  private final int heads;
  private final int headDim;
  private final float scale;

  private final Tensor norm1;
  private final List<Tensor> qkv = new ArrayList<>();
  private final List<Tensor> qkvBias = new ArrayList<>();
  private final Tensor proj;
  private final Tensor projBias;
  private final Tensor norm2;
  private final GatedMlp mlp;

  /**
   * @param w the cursor at the block, as {@code visual.blocks.0}
   */
  VisionBlock(VisionConfig config, Weights w) throws CheckpointException {
    heads = config.numHeads();
    headDim = config.headDim();
    scale = (float) Math.pow(headDim, -0.5);
    int hidden = config.hiddenSize();
    norm1 = w.tensor("norm1.weight", hidden);
    takeProjections(w.at("attn"), hidden);
    proj = w.tensor("attn.proj.weight", hidden, hidden);
    projBias = w.tensor("attn.proj.bias", hidden);
    norm2 = w.tensor("norm2.weight", hidden);
    mlp = new GatedMlp(w.at("mlp"), hidden, config.intermediateSize());
  }

  /** Queries, keys and values: one tensor as transformers stores them, or three as GGUF does. */
  private void takeProjections(Weights attn, int hidden) throws CheckpointException {
    if (attn.has("q.weight")) {
      for (String third : List.of("q", "k", "v")) {
        qkv.add(attn.tensor(third + ".weight", hidden, hidden));
        qkvBias.add(attn.tensor(third + ".bias", hidden));
      }
      return;
    }
    Tensor weight = attn.tensor("qkv.weight", 3L * hidden, hidden);
    Tensor bias = attn.tensor("qkv.bias", 3L * hidden);
    for (long row = 0; row < weight.dim(0); row += hidden) {
      qkv.add(weight.rows(row, row + hidden));
      qkvBias.add(bias.rows(row, row + hidden));
    }
  }

  /** Buffers that all blocks of one forward pass share. */
  LayerBuffers buffers(TensorArena arena, int patches) {
    return LayerBuffers.of(arena, patches, norm1.dim(0), heads, heads, headDim, mlp);
  }

  /**
   * Runs the block on the residual stream.
   *
   * @param x [S, hidden], changed in place
   * @param mask the windows, or none
   */
  void forward(Compute c, Tensor x, RotaryTable rotary, AttentionMask mask, LayerBuffers b) {
    RmsNorm.forward(c, b.normed(), x, norm1, EPS); // [S, hidden]
    project(c, b.q(), b.normed(), 0); // [S, heads, headDim]
    project(c, b.k(), b.normed(), 1);
    project(c, b.v(), b.normed(), 2);
    Rope.halfSplit(c, b.q(), rotary.cos(), rotary.sin());
    Rope.halfSplit(c, b.k(), rotary.cos(), rotary.sin());
    Attention.forward(c, b.attention(), b.q(), b.k(), b.v(), mask, scale);
    Linear.forward(c, b.update(), LayerBuffers.flat(b.attention()), proj, projBias); // [S, hidden]
    Elementwise.add(c, x, x, b.update());

    RmsNorm.forward(c, b.normed(), x, norm2, EPS);
    mlp.forward(c, b.update(), b.normed(), b.mlp());
    Elementwise.add(c, x, x, b.update());
  }

  /** One of the three projections: 0 queries, 1 keys, 2 values. */
  private void project(Compute c, Tensor out, Tensor x, int third) {
    Linear.forward(c, LayerBuffers.flat(out), x, qkv.get(third), qkvBias.get(third));
  }
}
