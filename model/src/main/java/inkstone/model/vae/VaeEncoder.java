package inkstone.model.vae;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.vae.Tiling.Axis;
import inkstone.ops.Compute;
import inkstone.ops.Conv;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * A picture to latents: the mode of AutoencoderKLQwenImage.encode for one frame, whole or in
 * blended tiles. It neither samples the posterior nor normalises; see {@link LatentStats}.
 */
public final class VaeEncoder {
  private final Compute compute;
  private final int ratio;
  private final int zDim;
  private final int pixelChannels;
  private final int widest;
  private final CausalConv convIn;
  private final List<Layer> downBlocks = new ArrayList<>();
  private final MidBlock midBlock;
  private final ChannelNorm normOut;
  private final CausalConv convOut;
  private final PointwiseConv quantConv;

  /**
   * Reads the encoder's weights; 3×3 kernels are laid out anew in {@code weightsArena}, the rest
   * stays mapped.
   *
   * @param weights the cursor of the vae component, at its root
   * @throws CheckpointException when a weight is missing or has another shape
   * @throws IllegalArgumentException when the config asks for what the network class cannot do
   */
  public VaeEncoder(Compute compute, TensorArena weightsArena, VaeConfig config, Weights weights)
      throws CheckpointException {
    VaeWidths plan = VaeWidths.of(config);
    List<Integer> widths = plan.encoder();
    int moments = Math.multiplyExact(2, config.zDim());
    this.compute = compute;
    this.ratio = plan.ratio();
    this.zDim = config.zDim();
    this.pixelChannels = config.inputChannels();
    this.widest = Collections.max(widths);
    Weights at = weights.at("encoder");
    this.convIn =
        CausalConv.causal(weightsArena, at.at("conv_in"), pixelChannels, widths.getFirst());
    double scale = 1;
    for (int stage = 0; stage < plan.stages(); stage++) {
      int in = widths.get(stage);
      int out = widths.get(stage + 1);
      for (int block = 0; block < config.numResBlocks(); block++) {
        downBlocks.add(new ResidualBlock(weightsArena, weights, nextKey(), in, out));
        if (config.attnScales().contains(scale)) {
          downBlocks.add(new AttentionBlock(weightsArena, weights, nextKey(), out));
        }
        in = out;
      }
      if (!plan.last(stage)) {
        Resampling mode = Resampling.of(config.temperalDownsample().get(stage));
        downBlocks.add(new DownsampleBlock(weightsArena, weights, nextKey(), out, mode));
        scale /= 2;
      }
    }
    this.midBlock = new MidBlock(weightsArena, weights, "encoder.mid_block", widths.getLast());
    this.normOut = ChannelNorm.causal(weightsArena, at.at("norm_out"), widths.getLast());
    this.convOut = CausalConv.causal(weightsArena, at.at("conv_out"), widths.getLast(), moments);
    this.quantConv = PointwiseConv.causal(weights.at("quant_conv"), moments, moments);
  }

  /** Pixels per latent pixel in each direction. */
  public int ratio() {
    return ratio;
  }

  /**
   * Encodes a frame.
   *
   * @param arena receives the result, and nothing when the call fails; the activations are one
   *     block in a child of it that is closed on return, {@link #encodeBytes} in all
   * @param pixels {@code [H, W, channels]} in -1..1; H and W are multiples of {@link #ratio()}
   * @param tiling whether and how pictures larger than a tile are split
   * @param taps sees each layer's output {@code [H, W, C]}, tile by tile when split
   * @return the mode of the posterior {@code [H/ratio, W/ratio, zDim]}, not normalised
   * @throws IllegalArgumentException for pixels or tile sizes that do not fit the model
   */
  public Tensor encode(TensorArena arena, Tensor pixels, Tiling tiling, Taps taps) {
    requirePixels(pixels);
    tiling.requireMultiplesOf(ratio, "VaeEncoder.encode");
    long height = pixels.dim(0);
    long width = pixels.dim(1);
    MemoryPlan plan = plan(height, width, tiling);
    TensorArena own = arena.child("vae.latents");
    try (Pass pass = Pass.open(compute, arena, "vae.encode", taps, plan)) {
      Tensor latents = Tensor.f32(own, "vae.latents", height / ratio, width / ratio, zDim);
      if (tiling.splits(height, width)) {
        encodeTiles(pass, latents, pixels, tiling);
      } else {
        forward(pass, latents, pixels);
      }
      return latents; // [H/ratio, W/ratio, zDim]
    } catch (RuntimeException | Error e) {
      own.close();
      throw e;
    }
  }

  /**
   * Bytes that {@link #encode} allocates in its arena, the result included: the activations are one
   * block of a size that is known before the run.
   *
   * @param height of the picture, in pixels
   * @param width of the picture, in pixels
   */
  public long encodeBytes(long height, long width, Tiling tiling) {
    long result = Math.multiplyExact(height / ratio, width / ratio * zDim) * Float.BYTES;
    long edges =
        tiling.splits(height, width)
            ? TileBlender.bytes(tiling.rows(height, ratio), tiling.columns(width, ratio), zDim)
            : 0;
    return result + edges + plan(height, width, tiling).bytes();
  }

  /** Bytes of the workers' scratch, at most. */
  public long scratchBytes() {
    return Conv.scratchBytes(compute, widest, widest, CausalConv.KERNEL);
  }

  private MemoryPlan plan(long height, long width, Tiling tiling) {
    if (!tiling.splits(height, width)) {
      return Pass.plan(dry ->
          forward(
              dry,
              Pass.shapeOnly("latents", height / ratio, width / ratio, zDim),
              Pass.shapeOnly("pixels", height, width, pixelChannels)));
    }
    long tileHeight = tiling.rows(height, 1).extent(0); // the first is the largest
    long tileWidth = tiling.columns(width, 1).extent(0);
    return Pass.plan(
        dry -> dry.give(tile(dry, dry.take("tile", tileHeight, tileWidth, pixelChannels))));
  }

  private void encodeTiles(Pass pass, Tensor latents, Tensor pixels, Tiling tiling) {
    Axis rows = tiling.rows(pixels.dim(0), 1);
    Axis columns = tiling.columns(pixels.dim(1), 1);
    var blender =
        new TileBlender(
            pass.arena(),
            latents,
            tiling.rows(pixels.dim(0), ratio),
            tiling.columns(pixels.dim(1), ratio));
    for (int row = 0; row < rows.count(); row++) {
      for (int column = 0; column < columns.count(); column++) {
        pass.restart();
        Tensor tile =
            TileCutter.cut(pass, pixels, rows, row, columns, column); // [tH, tW, channels]
        Tensor encoded = tile(pass, tile);
        blender.add(row, column, encoded);
        pass.give(encoded);
      }
    }
  }

  /** The latents of one tile of pixels, which is given back. */
  private Tensor tile(Pass pass, Tensor tile) {
    Tensor encoded = pass.take("tile", tile.dim(0) / ratio, tile.dim(1) / ratio, zDim);
    forward(pass, encoded, tile);
    pass.give(tile);
    return encoded; // [tH/ratio, tW/ratio, zDim]
  }

  /** {@code out} [h, w, zDim] of {@code pixels} [H, W, channels], which stay alive. */
  private void forward(Pass pass, Tensor out, Tensor pixels) {
    Tensor x = convIn.forward(pass, "conv_in", pixels); // [H, W, C]
    pass.tap("encoder.conv_in", x);
    for (Layer layer : downBlocks) {
      x = layer.forward(pass, x); // last: [h, w, C]
    }
    x = midBlock.forward(pass, x);
    normOut.forwardSilu(pass, x, x);
    Tensor encoded = convOut.forward(pass, "conv_out", x); // [h, w, 2·zDim]
    pass.give(x);
    pass.tap("encoder.conv_out", encoded);
    Tensor moments = quantConv.forward(pass, "quant_conv", encoded); // mean and log variance
    pass.give(encoded);
    pass.tap("quant_conv", moments);
    pass.run(_ -> mode(out, moments)); // [h, w, zDim]
    pass.give(moments);
  }

  /** The mode of a normal distribution is its mean, the first half of the channels. */
  private void mode(Tensor out, Tensor moments) {
    long bytes = (long) zDim * Float.BYTES;
    for (long pixel = 0; pixel < out.dim(0) * out.dim(1); pixel++) {
      MemorySegment.copy(moments.segment(), 2 * pixel * bytes, out.segment(), pixel * bytes, bytes);
    }
  }

  private String nextKey() {
    return "encoder.down_blocks." + downBlocks.size();
  }

  private void requirePixels(Tensor pixels) {
    if (pixels.dtype() != DType.F32
        || pixels.rank() != 3
        || pixels.dim(2) != pixelChannels
        || pixels.elements() == 0
        || pixels.dim(0) % ratio != 0
        || pixels.dim(1) % ratio != 0) {
      throw new IllegalArgumentException(
          "VaeEncoder.encode: pixels, expected F32 [H, W, "
              + pixelChannels
              + "] with H and W multiples of "
              + ratio
              + ", got "
              + pixels
              + "; resize or crop the picture");
    }
  }
}
