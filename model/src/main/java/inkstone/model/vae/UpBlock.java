package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/** QwenImageUpBlock: residual blocks of one size, then, except in the last block, an upsampling. */
final class UpBlock implements Layer {
  private final String key;
  private final List<ResidualBlock> resnets = new ArrayList<>();
  private final UpsampleBlock upsampler;

  /**
   * @param blocks number of residual blocks
   * @param upsampling null in the last block
   */
  UpBlock(
      TensorArena arena,
      Weights weights,
      String key,
      int in,
      int out,
      int blocks,
      Resampling upsampling)
      throws CheckpointException {
    this.key = key;
    for (int i = 0; i < blocks; i++) {
      resnets.add(new ResidualBlock(arena, weights, key + ".resnets." + i, i == 0 ? in : out, out));
    }
    this.upsampler =
        upsampling == null
            ? null
            : new UpsampleBlock(arena, weights, key + ".upsamplers.0", out, upsampling);
  }

  @Override
  public Tensor forward(Pass pass, Tensor x) {
    for (ResidualBlock resnet : resnets) {
      x = resnet.forward(pass, x); // [H, W, out]
    }
    if (upsampler != null) {
      x = upsampler.forward(pass, x); // [2H, 2W, out/2]
    }
    pass.tap(key, x);
    return x;
  }
}
