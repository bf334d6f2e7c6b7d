package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.ops.Conv;
import inkstone.tensor.Tensor;

/**
 * QwenImageResample downwards: a 3×3 convolution with stride 2 and one row and column of zeros at
 * the bottom and right. Its temporal convolution needs a second frame and is only looked up, so
 * that a file that holds it counts as read.
 */
final class DownsampleBlock implements Layer {
  private static final Conv.Geometry HALVE = new Conv.Geometry(2, 0, 0, 1, 1);

  private final String key;
  private final CausalConv conv;

  DownsampleBlock(TensorArena arena, Weights weights, String key, int channels, Resampling mode)
      throws CheckpointException {
    this.key = key;
    Weights at = weights.at(key);
    this.conv = CausalConv.spatial(arena, at.at("resample.1"), channels, channels);
    mode.lookUpTimeConv(at, channels, channels);
  }

  @Override
  public Tensor forward(Pass pass, Tensor x) {
    pass.checkpoint();
    Tensor out = pass.take("downsample", x.dim(0) / 2, x.dim(1) / 2, conv.outChannels());
    conv.forward(pass, out, x, HALVE); // [H/2, W/2, C]
    pass.give(x);
    pass.tap(key, out);
    return out;
  }
}
