package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;

/** QwenImageMidBlock: residual block, attention, residual block at the smallest size. */
final class MidBlock implements Layer {
  private final String key;
  private final ResidualBlock first;
  private final AttentionBlock attention;
  private final ResidualBlock second;

  MidBlock(TensorArena arena, Weights weights, String key, int channels)
      throws CheckpointException {
    this.key = key;
    this.first = new ResidualBlock(arena, weights, key + ".resnets.0", channels, channels);
    this.attention = new AttentionBlock(arena, weights, key + ".attentions.0", channels);
    this.second = new ResidualBlock(arena, weights, key + ".resnets.1", channels, channels);
  }

  @Override
  public Tensor forward(Pass pass, Tensor x) {
    x = first.forward(pass, x);
    x = attention.forward(pass, x);
    x = second.forward(pass, x);
    pass.tap(key, x);
    return x; // [H, W, C]
  }
}
