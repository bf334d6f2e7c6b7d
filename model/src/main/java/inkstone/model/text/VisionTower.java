package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.VisionConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Activations;
import inkstone.ops.AttentionMask;
import inkstone.ops.Compute;
import inkstone.ops.Linear;
import inkstone.ops.RmsNorm;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The vision tower of Qwen2.5-VL: patches of one picture give one feature row for every square of
 * merged patches. Most blocks look at windows, some at the whole picture. Checkpoints of
 * transformers 4 ({@code visual.…}) and 5 ({@code model.visual.…}) are both read, and GGUF files
 * through {@link inkstone.loader.gguf.VisionNames}. Video is not done: a picture is one time step.
 */
public final class VisionTower {
  private final Compute compute;
  private final VisionConfig config;
  private final long patchFeatures;
  private final Tensor patchEmbed;
  private final List<VisionBlock> blocks = new ArrayList<>();
  private final Tensor mergerNorm;
  private final Tensor merger0;
  private final Tensor merger0Bias;
  private final Tensor merger2;
  private final Tensor merger2Bias;
  private final float[] inverseFrequencies;
  private final int[] axisOf;

  /**
   * Takes the tower's weights.
   *
   * @param w the text encoder's checkpoint, at its root
   */
  public VisionTower(Compute compute, TextEncoderConfig encoder, Weights w)
      throws CheckpointException {
    this.compute = compute;
    this.config = encoder.vision();
    String patches = "visual.patch_embed.proj.weight";
    Weights visual = w.at("model").has(patches) ? w.at("model").at("visual") : w.at("visual");
    int hidden = config.hiddenSize();
    int channels = config.inChannels();
    int frames = config.temporalPatchSize();
    int side = config.patchSize();
    patchFeatures = (long) channels * frames * side * side;
    patchEmbed = visual.tensor("patch_embed.proj.weight", hidden, channels, frames, side, side);
    for (int i = 0; i < config.depth(); i++) {
      blocks.add(new VisionBlock(config, visual.at("blocks", i)));
    }
    long merged = (long) hidden * config.spatialMergeSize() * config.spatialMergeSize();
    Weights merger = visual.at("merger");
    mergerNorm = merger.tensor("ln_q.weight", hidden);
    merger0 = merger.tensor("mlp.0.weight", merged, merged);
    merger0Bias = merger.tensor("mlp.0.bias", merged);
    merger2 = merger.tensor("mlp.2.weight", config.outHiddenSize(), merged);
    merger2Bias = merger.tensor("mlp.2.bias", config.outHiddenSize());
    // The first half of the channel pairs turns with the row, the second with the column.
    float[] half = RotaryTable.inverseFrequencies(config.ropeTheta(), config.headDim() / 2);
    inverseFrequencies = new float[2 * half.length];
    axisOf = new int[2 * half.length];
    for (int i = 0; i < half.length; i++) {
      inverseFrequencies[i] = half[i];
      inverseFrequencies[half.length + i] = half[i];
      axisOf[half.length + i] = 1;
    }
  }

  /**
   * Encodes one picture.
   *
   * @param arena where the result goes; everything else is freed before this returns
   * @param pixelValues [gridH · gridW, channels · frames · patch · patch], square by square as the
   *     processor orders them
   * @param gridH patches from top to bottom
   * @param gridW patches from left to right
   * @param taps told {@code visual.patch_embed}, {@code visual.blocks.{i}} (in window order) and
   *     {@code visual.merger} (in window order)
   * @return [gridH · gridW / merge², outHidden], squares row by row
   */
  public Tensor forward(TensorArena arena, Tensor pixelValues, int gridH, int gridW, Taps taps) {
    VisionGrid grid = new VisionGrid(config, gridH, gridW);
    checkPixels(pixelValues, gridH, gridW);
    int patches = grid.patches();
    int hidden = config.hiddenSize();
    int squares = grid.windowIndex().length;
    long merged = (long) hidden * (patches / squares);
    try (TensorArena scratch = arena.child("vision tower")) {
      Tensor embedded = Tensor.f32(scratch, "patch_embed", patches, hidden);
      Linear.forward(compute, embedded, pixelValues, patchEmbed, null); // [S, hidden]
      taps.tap("visual.patch_embed", embedded);

      Tensor x = Tensor.f32(scratch, "hidden_states", patches, hidden);
      Rows.gather(x.view(squares, merged), embedded.view(squares, merged), grid.windowIndex());
      RotaryTable rotary =
          RotaryTable.of(
              scratch, "rotary", inverseFrequencies, grid.positions(), axisOf); // [S, headDim/2]
      AttentionMask windows = new AttentionMask.Windows(grid.windowBorders());
      LayerBuffers buffers = blocks.getFirst().buffers(scratch, patches);
      for (int i = 0; i < blocks.size(); i++) {
        taps.checkpoint();
        boolean full = config.fullattBlockIndexes().contains(i);
        blocks.get(i).forward(compute, x, rotary, full ? AttentionMask.NONE : windows, buffers);
        taps.tap("visual.blocks." + i, x);
      }

      RmsNorm.forward(compute, embedded, x, mergerNorm, VisionBlock.EPS); // [S, hidden]
      Tensor wide = Tensor.f32(scratch, "merger.mlp.0", squares, merged);
      Linear.forward(compute, wide, embedded.view(squares, merged), merger0, merger0Bias);
      Activations.gelu(compute, wide, wide); // [S / merge², hidden · merge²]
      Tensor features = Tensor.f32(scratch, "merger.mlp.2", squares, config.outHiddenSize());
      Linear.forward(compute, features, wide, merger2, merger2Bias); // [S / merge², outHidden]
      taps.tap("visual.merger", features);
      Tensor out = Tensor.f32(arena, "image_embeds", squares, config.outHiddenSize());
      Rows.gather(out, features, grid.reverseIndex());
      return out;
    }
  }

  /**
   * Bytes that {@link #forward} takes at once, the result included, found by taking them; the
   * pixels are the caller's.
   *
   * @param gridH patches from top to bottom
   * @param gridW patches from left to right
   */
  public long forwardBytes(int gridH, int gridW) {
    int patches = Math.multiplyExact(gridH, gridW);
    int hidden = config.hiddenSize();
    long merged = (long) hidden * config.spatialMergeSize() * config.spatialMergeSize();
    int squares = Math.toIntExact(patches * (long) hidden / merged);
    try (TensorArena counting = TensorArena.counting("vision tower")) {
      Tensor.f32(counting, "patch_embed", patches, hidden);
      Tensor.f32(counting, "hidden_states", patches, hidden);
      RotaryTable.allocate(counting, "rotary", patches, inverseFrequencies.length);
      blocks.getFirst().buffers(counting, patches);
      Tensor.f32(counting, "merger.mlp.0", squares, merged);
      Tensor.f32(counting, "merger.mlp.2", squares, config.outHiddenSize());
      Tensor.f32(counting, "image_embeds", squares, config.outHiddenSize());
      return counting.peakBytes();
    }
  }

  /** Bytes of {@link #forward}'s result. */
  public long resultBytes(int gridH, int gridW) {
    long merge = (long) config.spatialMergeSize() * config.spatialMergeSize();
    return (long) gridH * gridW / merge * config.outHiddenSize() * Float.BYTES;
  }

  /** Bytes of the pixels that {@link #forward} reads. */
  public long pixelBytes(int gridH, int gridW) {
    return (long) gridH * gridW * patchFeatures * Float.BYTES;
  }

  private void checkPixels(Tensor pixels, int gridH, int gridW) {
    long patches = (long) gridH * gridW;
    if (pixels.rank() != 2 || pixels.dim(0) != patches || pixels.dim(1) != patchFeatures) {
      throw new IllegalArgumentException(
          "VisionTower: pixel values, expected ["
              + patches
              + ", "
              + patchFeatures
              + "] for a grid of "
              + Arrays.toString(new int[] {gridH, gridW})
              + ", got "
              + pixels.shape()
              + "; use the processor of this model");
    }
  }
}
