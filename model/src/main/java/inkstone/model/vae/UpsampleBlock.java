package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.ops.UpsampleConv;
import inkstone.tensor.Tensor;

/**
 * QwenImageResample upwards: every pixel is doubled in both directions, then a 3×3 convolution
 * halves the channels. Both are one operation, and the doubled picture never exists. Its temporal
 * convolution needs a second frame and is only looked up.
 */
final class UpsampleBlock implements Layer {
  private final String key;
  private final UpsampleConv.Weights conv;
  private final int outChannels;

  UpsampleBlock(TensorArena arena, Weights weights, String key, int channels, Resampling mode)
      throws CheckpointException {
    this.key = key;
    this.outChannels = channels / 2;
    Weights at = weights.at(key);
    Weights resample = at.at("resample.1");
    int kernel = CausalConv.KERNEL;
    this.conv =
        UpsampleConv.prepare(
            arena,
            resample.tensor("weight", outChannels, channels, kernel, kernel),
            resample.tensor("bias", outChannels));
    mode.lookUpTimeConv(at, channels, Math.multiplyExact(2, channels));
  }

  @Override
  public Tensor forward(Pass pass, Tensor x) {
    pass.checkpoint();
    Tensor out = pass.take("upsample", 2 * x.dim(0), 2 * x.dim(1), outChannels);
    pass.run(c -> UpsampleConv.forward(c, out, x, conv)); // [2H, 2W, C/2]
    pass.give(x);
    pass.tap(key, out);
    return out;
  }
}
