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
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Latents to a picture: AutoencoderKLQwenImage.decode for one frame, whole or in blended tiles. It
 * does not denormalise; see {@link LatentStats}.
 */
public final class VaeDecoder {
  private final Compute compute;
  private final int ratio;
  private final int zDim;
  private final int pixelChannels;
  private final int widest;
  private final PointwiseConv postQuantConv;
  private final CausalConv convIn;
  private final MidBlock midBlock;
  private final List<UpBlock> upBlocks = new ArrayList<>();
  private final ChannelNorm normOut;
  private final CausalConv convOut;

  /**
   * Reads the decoder's weights; 3×3 kernels are laid out anew in {@code weightsArena}, the rest
   * stays mapped.
   *
   * @param weights the cursor of the vae component, at its root
   * @throws CheckpointException when a weight is missing or has another shape
   * @throws IllegalArgumentException when the config asks for what the network class cannot do
   */
  public VaeDecoder(Compute compute, TensorArena weightsArena, VaeConfig config, Weights weights)
      throws CheckpointException {
    VaeWidths plan = VaeWidths.of(config);
    List<Integer> widths = plan.decoder();
    this.compute = compute;
    this.ratio = plan.ratio();
    this.zDim = config.zDim();
    this.pixelChannels = config.inputChannels();
    this.widest = Collections.max(widths);
    this.postQuantConv = PointwiseConv.causal(weights.at("post_quant_conv"), zDim, zDim);
    Weights at = weights.at("decoder");
    this.convIn = CausalConv.causal(weightsArena, at.at("conv_in"), zDim, widths.getFirst());
    this.midBlock = new MidBlock(weightsArena, weights, "decoder.mid_block", widths.getFirst());
    for (int i = 0; i < plan.stages(); i++) {
      int in = i == 0 ? widths.get(0) : widths.get(i) / 2; // an upsampling halves the channels
      Resampling upsampling =
          plan.last(i)
              ? null
              : Resampling.of(config.temperalDownsample().get(plan.stages() - 2 - i));
      upBlocks.add(
          new UpBlock(
              weightsArena,
              weights,
              "decoder.up_blocks." + i,
              in,
              widths.get(i + 1),
              config.numResBlocks() + 1,
              upsampling));
    }
    this.normOut = ChannelNorm.causal(weightsArena, at.at("norm_out"), widths.getLast());
    this.convOut =
        CausalConv.causal(weightsArena, at.at("conv_out"), widths.getLast(), pixelChannels);
  }

  /** Pixels per latent pixel in each direction. */
  public int ratio() {
    return ratio;
  }

  /**
   * Decodes a frame.
   *
   * @param arena receives the result, and nothing when the call fails; the activations are one
   *     block in a child of it that is closed on return, {@link #decodeBytes} in all
   * @param latents {@code [h, w, zDim]}, denormalised
   * @param tiling whether and how pictures larger than a tile are split
   * @param taps sees each layer's output {@code [H, W, C]}, tile by tile when split
   * @return pixels {@code [h·ratio, w·ratio, channels]}; clamped to -1..1 when not split, as
   *     diffusers does, and as the network gives them when split
   * @throws IllegalArgumentException for latents or tile sizes that do not fit the model
   */
  public Tensor decode(TensorArena arena, Tensor latents, Tiling tiling, Taps taps) {
    requireLatents(latents);
    tiling.requireMultiplesOf(ratio, "VaeDecoder.decode");
    long height = Math.multiplyExact(latents.dim(0), (long) ratio);
    long width = Math.multiplyExact(latents.dim(1), (long) ratio);
    MemoryPlan plan = plan(latents.dim(0), latents.dim(1), tiling);
    TensorArena own = arena.child("vae.pixels");
    try (Pass pass = Pass.open(compute, arena, "vae.decode", taps, plan)) {
      Tensor pixels = Tensor.f32(own, "vae.pixels", height, width, pixelChannels);
      if (tiling.splits(height, width)) {
        decodeTiles(pass, pixels, latents, tiling);
      } else {
        forward(pass, pixels, latents);
        clamp(pixels);
      }
      return pixels; // [H, W, channels]
    } catch (RuntimeException | Error e) {
      own.close();
      throw e;
    }
  }

  /**
   * Bytes that {@link #decode} allocates in its arena, the result included: the activations are one
   * block of a size that is known before the run.
   *
   * @param height of the latents
   * @param width of the latents
   */
  public long decodeBytes(long height, long width, Tiling tiling) {
    long result = Math.multiplyExact(height * ratio, width * ratio * pixelChannels) * Float.BYTES;
    long edges =
        tiling.splits(height * ratio, width * ratio)
            ? TileBlender.bytes(
                tiling.rows(height * ratio, 1), tiling.columns(width * ratio, 1), pixelChannels)
            : 0;
    return result + edges + plan(height, width, tiling).bytes();
  }

  /** Bytes of the workers' scratch, at most. */
  public long scratchBytes() {
    return Conv.scratchBytes(compute, widest, widest, CausalConv.KERNEL);
  }

  private MemoryPlan plan(long height, long width, Tiling tiling) {
    if (!tiling.splits(height * ratio, width * ratio)) {
      return Pass.plan(dry ->
          forward(
              dry,
              Pass.shapeOnly("pixels", height * ratio, width * ratio, pixelChannels),
              Pass.shapeOnly("latents", height, width, zDim)));
    }
    long tileHeight = tiling.rows(height * ratio, ratio).extent(0); // the first is the largest
    long tileWidth = tiling.columns(width * ratio, ratio).extent(0);
    return Pass.plan(dry -> dry.give(tile(dry, dry.take("tile", tileHeight, tileWidth, zDim))));
  }

  private void decodeTiles(Pass pass, Tensor pixels, Tensor latents, Tiling tiling) {
    Axis rows = tiling.rows(pixels.dim(0), ratio); // in latent pixels
    Axis columns = tiling.columns(pixels.dim(1), ratio);
    var blender = new TileBlender(pass.arena(), pixels, rows.times(ratio), columns.times(ratio));
    for (int row = 0; row < rows.count(); row++) {
      for (int column = 0; column < columns.count(); column++) {
        pass.restart();
        Tensor tile = TileCutter.cut(pass, latents, rows, row, columns, column); // [th, tw, zDim]
        Tensor decoded = tile(pass, tile);
        blender.add(row, column, decoded);
        pass.give(decoded);
      }
    }
  }

  /** The pixels of one tile of latents, which is given back. */
  private Tensor tile(Pass pass, Tensor tile) {
    Tensor decoded = pass.take("tile", tile.dim(0) * ratio, tile.dim(1) * ratio, pixelChannels);
    forward(pass, decoded, tile);
    pass.give(tile);
    return decoded; // [th·ratio, tw·ratio, channels]
  }

  /** {@code out} [H, W, channels] of {@code latents} [h, w, zDim], which stay alive. */
  private void forward(Pass pass, Tensor out, Tensor latents) {
    Tensor quantised = postQuantConv.forward(pass, "post_quant_conv", latents); // [h, w, zDim]
    pass.tap("post_quant_conv", quantised);
    Tensor x = convIn.forward(pass, "conv_in", quantised); // [h, w, C]
    pass.give(quantised);
    pass.tap("decoder.conv_in", x);
    x = midBlock.forward(pass, x);
    for (UpBlock block : upBlocks) {
      x = block.forward(pass, x); // last: [H, W, C]
    }
    normOut.forwardSilu(pass, x, x);
    convOut.forward(pass, out, x); // [H, W, channels]
    pass.give(x);
    pass.tap("decoder.conv_out", out);
  }

  private void requireLatents(Tensor latents) {
    if (latents.dtype() != DType.F32
        || latents.rank() != 3
        || latents.dim(2) != zDim
        || latents.elements() == 0) {
      throw new IllegalArgumentException(
          "VaeDecoder.decode: latents, expected F32 [h, w, "
              + zDim
              + "] with h and w of 1 or more, got "
              + latents
              + "; pass unpacked latents, channels last");
    }
  }

  private static void clamp(Tensor pixels) {
    float[] row = new float[Math.toIntExact(pixels.dim(1) * pixels.dim(2))];
    for (long at = 0; at < pixels.elements(); at += row.length) {
      MemorySegment.copy(
          pixels.segment(), ValueLayout.JAVA_FLOAT_UNALIGNED, at * 4, row, 0, row.length);
      for (int i = 0; i < row.length; i++) {
        row[i] = Math.max(-1f, Math.min(1f, row[i]));
      }
      MemorySegment.copy(
          row, 0, pixels.segment(), ValueLayout.JAVA_FLOAT_UNALIGNED, at * 4, row.length);
    }
  }
}
