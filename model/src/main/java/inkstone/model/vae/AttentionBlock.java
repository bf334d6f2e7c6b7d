package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.ops.Attention;
import inkstone.ops.AttentionMask;
import inkstone.ops.Elementwise;
import inkstone.tensor.Tensor;

/** QwenImageAttentionBlock: every pixel attends to every pixel of the frame, one head over C. */
final class AttentionBlock implements Layer {
  private final String key;
  private final int channels;
  private final ChannelNorm norm;
  private final PointwiseConv toQ;
  private final PointwiseConv toK;
  private final PointwiseConv toV;
  private final PointwiseConv proj;

  AttentionBlock(TensorArena arena, Weights weights, String key, int channels)
      throws CheckpointException {
    this.key = key;
    this.channels = channels;
    Weights at = weights.at(key);
    this.norm = ChannelNorm.spatial(arena, at.at("norm"), channels);
    PointwiseConv toQkv =
        PointwiseConv.spatial(at.at("to_qkv"), channels, Math.multiplyExact(3, channels));
    this.toQ = toQkv.outputs(0, channels);
    this.toK = toQkv.outputs(channels, 2 * channels);
    this.toV = toQkv.outputs(2 * channels, 3 * channels);
    this.proj = PointwiseConv.spatial(at.at("proj"), channels, channels);
  }

  @Override
  public Tensor forward(Pass pass, Tensor x) {
    pass.checkpoint();
    long tokens = x.dim(0) * x.dim(1);
    Tensor normed = pass.take("norm", tokens, 1, channels);
    norm.forward(pass, normed.view(x.shape().toArray()), x);
    Tensor q = toQ.forward(pass, "q", normed); // [S, 1, C]
    Tensor k = toK.forward(pass, "k", normed);
    Tensor v = toV.forward(pass, "v", normed);
    Tensor attended = normed; // its content is used up
    float scale = (float) (1 / Math.sqrt(channels));
    pass.run(c -> Attention.forward(c, attended, q, k, v, AttentionMask.NONE, scale));
    pass.give(q);
    pass.give(k);
    pass.give(v);
    Tensor projected = proj.forward(pass, "proj", attended); // [S, 1, C]
    pass.give(attended);
    pass.run(c -> Elementwise.add(c, x, x, projected.view(x.shape().toArray())));
    pass.give(projected);
    pass.tap(key, x);
    return x; // [H, W, C]
  }
}
