package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;

/**
 * QwenImageResidualBlock: twice norm, SiLU and a 3×3 convolution, added to the input, which a
 * pointwise convolution first brings to the output width when the two differ.
 */
final class ResidualBlock implements Layer {
  private final String key;
  private final ChannelNorm norm1;
  private final CausalConv conv1;
  private final ChannelNorm norm2;
  private final CausalConv conv2;
  private final PointwiseConv convShortcut;

  ResidualBlock(TensorArena arena, Weights weights, String key, int in, int out)
      throws CheckpointException {
    this.key = key;
    Weights at = weights.at(key);
    this.norm1 = ChannelNorm.causal(arena, at.at("norm1"), in);
    this.conv1 = CausalConv.causal(arena, at.at("conv1"), in, out);
    this.norm2 = ChannelNorm.causal(arena, at.at("norm2"), out);
    this.conv2 = CausalConv.causal(arena, at.at("conv2"), out, out);
    this.convShortcut = in == out ? null : PointwiseConv.causal(at.at("conv_shortcut"), in, out);
  }

  @Override
  public Tensor forward(Pass pass, Tensor x) {
    pass.checkpoint();
    Tensor normed = pass.take("norm1", x.shape().toArray());
    norm1.forwardSilu(pass, normed, x); // [H, W, in]
    Tensor identity = x;
    if (convShortcut != null) {
      identity = convShortcut.forward(pass, "conv_shortcut", x); // [H, W, out]
      pass.give(x);
    }
    Tensor hidden = conv1.forward(pass, "conv1", normed); // [H, W, out]
    pass.give(normed);
    norm2.forwardSilu(pass, hidden, hidden);
    Tensor out = conv2.forwardAdd(pass, "conv2", hidden, identity); // [H, W, out]
    pass.give(hidden);
    pass.give(identity);
    pass.tap(key, out);
    return out;
  }
}
