package inkstone.model.text;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TextConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Attention;
import inkstone.ops.Compute;
import inkstone.ops.Linear;
import inkstone.ops.RmsNorm;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * The decoder of Qwen2.5-VL as an encoder of prompts: token ids and the features of pictures give
 * the last hidden states, after the final norm. It reads the whole sequence at once, keeps no
 * key-value cache and has no output layer. Checkpoints of transformers 4 ({@code model.layers.…})
 * and 5 ({@code model.language_model.layers.…}) are both read, and GGUF files through {@link
 * inkstone.loader.gguf.TextNames}.
 */
public final class TextEncoder {
  private final Compute compute;
  private final TextConfig config;
  private final int imageTokenId;
  private final int mergeSize;
  private final Tensor embedTokens;
  private final List<DecoderLayer> layers = new ArrayList<>();
  private final Tensor norm;
  private final float[] inverseFrequencies;
  private final int[] axisOf;

  /**
   * Takes the decoder's weights.
   *
   * @param w the text encoder's checkpoint, at its root
   */
  public TextEncoder(Compute compute, TextEncoderConfig encoder, Weights w)
      throws CheckpointException {
    this.compute = compute;
    this.config = encoder.text();
    this.imageTokenId = encoder.imageTokenId();
    this.mergeSize = encoder.vision().spatialMergeSize();
    Weights model = w.at("model");
    if (model.has("language_model.embed_tokens.weight")) {
      model = model.at("language_model");
    }
    embedTokens = model.tensor("embed_tokens.weight", config.vocabSize(), config.hiddenSize());
    for (int i = 0; i < config.numHiddenLayers(); i++) {
      layers.add(new DecoderLayer(config, model.at("layers", i)));
    }
    norm = model.tensor("norm.weight", config.hiddenSize());
    inverseFrequencies = RotaryTable.inverseFrequencies(config.ropeTheta(), config.headDim());
    axisOf = axes(config.mropeSection(), inverseFrequencies.length);
  }

  /** {@link #forward(TensorArena, int[], List, RopePositions, Taps)} with sequential positions. */
  public Tensor forward(TensorArena arena, int[] inputIds, List<ImageFeatures> images, Taps taps) {
    return forward(arena, inputIds, images, RopePositions.SEQUENTIAL, taps);
  }

  /**
   * Encodes one sequence.
   *
   * @param arena where the result goes; everything else is freed before this returns
   * @param inputIds token ids; each picture's image tokens are repeated once a feature row, see
   *     {@link ImagePads#expand}
   * @param images in order; empty when the prompt has none, and image tokens then are plain tokens
   * @param taps told {@code model.layers.{i}}, the residual stream after each layer, and {@code
   *     model.norm}
   * @return [tokens, hidden], {@code hidden_states[-1]}
   * @throws IllegalArgumentException when the sequence is empty or longer than the model was made
   *     for, an id is outside the vocabulary, or image tokens and features differ in number
   */
  public Tensor forward(
      TensorArena arena,
      int[] inputIds,
      List<ImageFeatures> images,
      RopePositions positions,
      Taps taps) {
    checkIds(inputIds);
    int tokens = inputIds.length;
    try (TensorArena scratch = arena.child("text encoder")) {
      Tensor x = embed(scratch, inputIds, images); // [S, hidden]
      RotaryTable rotary =
          RotaryTable.of(
              scratch,
              "rotary",
              inverseFrequencies,
              TextPositions.of(positions, inputIds, imageTokenId, mergeSize, images),
              axisOf); // [S, headDim/2]
      LayerBuffers buffers = layers.getFirst().buffers(scratch, tokens);
      for (int i = 0; i < layers.size(); i++) {
        taps.checkpoint();
        layers.get(i).forward(compute, x, rotary, buffers);
        taps.tap("model.layers." + i, x);
      }
      Tensor out = residual(arena, "prompt_embeds", tokens);
      RmsNorm.forward(compute, out, x, norm, config.rmsNormEps()); // [S, hidden]
      taps.tap("model.norm", out);
      return out;
    }
  }

  /**
   * Bytes that {@link #forward} takes at once, the result included, found by taking them.
   *
   * @param tokens of the sequence, image tokens included
   */
  public long forwardBytes(int tokens) {
    try (TensorArena counting = TensorArena.counting("text encoder")) {
      residual(counting, "inputs_embeds", tokens);
      RotaryTable.allocate(counting, "rotary", tokens, inverseFrequencies.length);
      layers.getFirst().buffers(counting, tokens);
      residual(counting, "prompt_embeds", tokens);
      return counting.peakBytes();
    }
  }

  /** Bytes of {@link #forward}'s result. */
  public long resultBytes(int tokens) {
    return (long) tokens * config.hiddenSize() * Float.BYTES;
  }

  /** Bytes of the workers' scratch in {@link #forward}. */
  public long scratchBytes(int tokens) {
    long widest = Linear.scratchBytes(compute, tokens, config.intermediateSize());
    return Math.max(widest, Attention.scratchBytes(compute, config.headDim()));
  }

  private Tensor residual(TensorArena arena, String name, int tokens) {
    return Tensor.f32(arena, name, tokens, config.hiddenSize());
  }

  /** {@link ImagePads#expand} with this model's image token and merge size. */
  public int[] expandImagePads(int[] ids, List<int[]> grids) {
    return ImagePads.expand(ids, imageTokenId, mergeSize, grids);
  }

  /** Embeddings of the ids, those of image tokens replaced by the pictures' features. */
  private Tensor embed(TensorArena arena, int[] ids, List<ImageFeatures> images) {
    Tensor x = residual(arena, "inputs_embeds", ids.length);
    Rows.gather(x, embedTokens, ids); // [S, hidden]
    int at = -1;
    for (int picture = 0; picture < images.size(); picture++) {
      Tensor features = images.get(picture).embeds();
      checkFeatures(images.get(picture), picture);
      for (long row = 0; row < features.dim(0); row++) {
        at = nextImageToken(ids, at);
        if (at == ids.length) {
          throw wrongImageTokens(ids, images);
        }
        x.rows(at, at + 1L).copyFrom(features.rows(row, row + 1));
      }
    }
    if (!images.isEmpty() && nextImageToken(ids, at) < ids.length) {
      throw wrongImageTokens(ids, images);
    }
    return x;
  }

  private int nextImageToken(int[] ids, int after) {
    int at = after + 1;
    while (at < ids.length && ids[at] != imageTokenId) {
      at++;
    }
    return at;
  }

  private void checkIds(int[] ids) {
    if (ids.length == 0 || ids.length > config.maxPositionEmbeddings()) {
      throw new IllegalArgumentException(
          "TextEncoder: tokens, expected 1 to "
              + config.maxPositionEmbeddings()
              + " (max_position_embeddings), got "
              + ids.length
              + "; use a shorter prompt, or fewer or smaller pictures");
    }
    int window = config.slidingWindow();
    if (window > 0 && ids.length > window && config.slidingLayers().contains(true)) {
      throw new IllegalArgumentException(
          "TextEncoder: tokens, expected at most "
              + window
              + " (sliding_window: longer sequences are not done yet), got "
              + ids.length
              + "; use a shorter prompt, or fewer or smaller pictures");
    }
    for (int i = 0; i < ids.length; i++) {
      if (ids[i] < 0 || ids[i] >= config.vocabSize()) {
        throw new IllegalArgumentException(
            "TextEncoder: token "
                + i
                + ", expected an id from 0 to "
                + (config.vocabSize() - 1)
                + ", got "
                + ids[i]
                + "; use the tokenizer of this model");
      }
    }
  }

  private void checkFeatures(ImageFeatures image, int picture) {
    Tensor features = image.embeds();
    int rows = ImagePads.rows(image.gridH(), image.gridW(), mergeSize);
    if (features.rank() != 2 || features.dim(0) != rows || features.dim(1) != config.hiddenSize()) {
      throw new IllegalArgumentException(
          "TextEncoder: features of picture "
              + (picture + 1)
              + ", expected ["
              + rows
              + ", "
              + config.hiddenSize()
              + "], got "
              + features.shape()
              + "; use the vision tower of this model");
    }
  }

  private IllegalArgumentException wrongImageTokens(int[] ids, List<ImageFeatures> images) {
    int found = 0;
    for (int id : ids) {
      found += id == imageTokenId ? 1 : 0;
    }
    long expected = images.stream().mapToLong(image -> image.embeds().dim(0)).sum();
    return new IllegalArgumentException(
        "TextEncoder: image tokens, expected "
            + expected
            + ", one a feature row of the pictures, got "
            + found
            + "; take <|image_pad|> out of the prompt");
  }

  /** The axis (time, height, width in turn) that turns each channel pair. */
  private static int[] axes(List<Integer> section, int pairs) {
    int[] axes = new int[pairs];
    int pair = 0;
    for (int i = 0; i < section.size(); i++) {
      for (int n = section.get(i); n > 0; n--) {
        axes[pair++] = i % 3;
      }
    }
    return axes;
  }
}
