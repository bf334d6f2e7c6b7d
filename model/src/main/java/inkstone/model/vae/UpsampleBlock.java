package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import inkstone.ops.Conv;
import inkstone.ops.Upsample;
import inkstone.tensor.Tensor;

/**
 * QwenImageResample upwards: every pixel is doubled in both directions, then a 3×3 convolution
 * halves the channels. The doubled picture is the largest tensor of a decode, so it exists only in
 * strips of rows. Its temporal convolution needs a second frame and is only looked up.
 */
final class UpsampleBlock implements Layer {
  /** Bytes of doubled rows at a time. */
  private static final long STRIP_BYTES = 16L << 20;

  private final String key;
  private final CausalConv conv;

  UpsampleBlock(TensorArena arena, Weights weights, String key, int channels, Resampling mode)
      throws CheckpointException {
    this.key = key;
    Weights at = weights.at(key);
    this.conv = CausalConv.spatial(arena, at.at("resample.1"), channels, channels / 2);
    mode.lookUpTimeConv(at, channels, Math.multiplyExact(2, channels));
  }

  @Override
  public Tensor forward(Pass pass, Tensor x) {
    pass.checkpoint();
    long doubledRowBytes = 4 * x.dim(1) * x.dim(2) * Float.BYTES; // of one row of x
    Tensor out = forward(pass, x, Math.clamp(STRIP_BYTES / doubledRowBytes, 1, x.dim(0)));
    pass.tap(key, out);
    return out; // [2H, 2W, C/2]
  }

  /** {@code stripRows} rows of {@code x} at a time; the result does not depend on it. */
  Tensor forward(Pass pass, Tensor x, long stripRows) {
    long height = x.dim(0);
    long width = x.dim(1);
    long channels = x.dim(2);
    Tensor out = pass.take("upsample", 2 * height, 2 * width, conv.outChannels());
    Tensor strip = pass.take("strip", 2 * Math.min(stripRows + 2, height), 2 * width, channels);
    for (long from = 0; from < height; from += stripRows) {
      long to = Math.min(from + stripRows, height);
      long above = from == 0 ? 0 : 1; // one row of context on each inner side
      long below = to == height ? 0 : 1;
      Tensor doubled = strip.rows(0, 2 * (to + below - from + above));
      Upsample.nearest2x(pass.compute(), doubled, x.rows(from - above, to + below));
      Tensor context = doubled.rows(above, doubled.dim(0) - below); // half of the doubled context
      var geometry = new Conv.Geometry(1, (int) (1 - above), 1, (int) (1 - below), 1);
      conv.forward(pass, out.rows(2 * from, 2 * to), context, geometry); // [2H, 2W, C/2]
    }
    pass.give(strip);
    pass.give(x);
    return out;
  }
}
