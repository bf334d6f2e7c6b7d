package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Activations;
import inkstone.ops.Compute;
import inkstone.ops.LayerNorm;
import inkstone.ops.RmsNorm;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The diffusion transformer of Qwen-Image: {@code QwenImageTransformer2DModel} of diffusers' {@code
 * transformer_qwenimage.py}. From noisy target tokens, reference tokens and text it predicts the
 * velocity of the target tokens.
 *
 * <p>It holds weights only: the buffers of a run are a {@link DitState}, so one transformer serves
 * any number of runs, one forward at a time. {@code guidance_embeds} and {@code use_layer3d_rope}
 * are not done and refused.
 *
 * <p>Taps: {@code img_in}, {@code txt_in}, {@code time_text_embed}, {@code pos_embed.cos} and
 * {@code .sin} (rows [text, target, reference 1, …]), {@code transformer_blocks.i} (image rows),
 * {@code transformer_blocks.i.txt}, {@code transformer_blocks.i.attn.key} and {@code .value} (after
 * norm and RoPE, rows [text, target, reference 1, …]), {@code norm_out} and {@code proj_out}
 * (target rows). A checkpoint comes before each block.
 */
public final class QwenImageTransformer {
  /** A shifted first sigma may lie this far above 1 by float32 rounding; diffusers passes it on. */
  private static final float SHIFT_ROUNDING = 1e-6f;

  private static final float EPS = 1e-6f;

  private final Compute compute;
  private final TransformerConfig config;
  private final AxialRope posEmbed;
  private final TimestepEmbedding timeTextEmbed;
  private final Tensor txtNorm; // [jointAttentionDim]
  private final LinearLayer imgIn;
  private final LinearLayer txtIn;
  private final List<TransformerBlock> transformerBlocks = new ArrayList<>();
  private final LinearLayer normOut;
  private final LinearLayer projOut;

  /**
   * @param weights cursor at the transformer's root; not kept
   * @throws CheckpointException when the config asks what is not done, contradicts itself, or a
   *     weight is missing or of another shape
   */
  public QwenImageTransformer(Compute compute, TransformerConfig config, Weights weights)
      throws CheckpointException {
    requireSupported(config);
    this.compute = compute;
    this.config = config;
    long innerDim = config.innerDim();
    posEmbed = new AxialRope(config.axesDimsRope());
    timeTextEmbed =
        new TimestepEmbedding(weights.at("time_text_embed"), innerDim, config.useAdditionalTCond());
    txtNorm = weights.at("txt_norm").tensor("weight", config.jointAttentionDim());
    imgIn = LinearLayer.read(weights.at("img_in"), config.inChannels(), innerDim);
    txtIn = LinearLayer.read(weights.at("txt_in"), config.jointAttentionDim(), innerDim);
    for (int i = 0; i < config.numLayers(); i++) {
      transformerBlocks.add(
          new TransformerBlock(
              weights.at("transformer_blocks", i), innerDim, config.attentionHeadDim()));
    }
    normOut = LinearLayer.read(weights.at("norm_out.linear"), innerDim, 2 * innerDim);
    projOut = LinearLayer.read(weights.at("proj_out"), innerDim, DitState.outFeatures(config));
  }

  private static void requireSupported(TransformerConfig config) throws CheckpointException {
    if (config.guidanceEmbeds()) {
      throw refused(
          "guidance_embeds is true, which Inkstone does not do; expected false: use a checkpoint"
              + " without distilled guidance");
    }
    if (config.useLayer3dRope()) {
      throw refused(
          "use_layer3d_rope is true, which Inkstone does not do; expected false: layered"
              + " checkpoints cannot run");
    }
    List<Integer> axes = config.axesDimsRope();
    if (axes.size() != 3 || axes.stream().anyMatch(dim -> dim < 0 || dim % 2 != 0)) {
      throw refused("axes_dims_rope, expected three even sizes, got " + axes);
    }
    int sum = axes.stream().mapToInt(Integer::intValue).sum();
    if (sum != config.attentionHeadDim()) {
      throw refused(
          "axes_dims_rope sum, expected attention_head_dim "
              + config.attentionHeadDim()
              + ", got "
              + sum
              + " from "
              + axes);
    }
  }

  private static CheckpointException refused(String what) {
    return new CheckpointException("QwenImageTransformer: config.json: " + what);
  }

  /** The config it was built from. */
  public TransformerConfig config() {
    return config;
  }

  /**
   * Bytes that {@link #newState} takes from its arena.
   *
   * @param images grid of the target, then of the references in order
   */
  public long stateBytes(int textTokens, List<LatentGrid> images) {
    return DitState.bytes(config, textTokens, images);
  }

  /**
   * The buffers of a run over {@code textTokens} and these images, valid until the arena closes.
   * Give it an arena of its own, so that a refusal halfway frees everything.
   *
   * @param images grid of the target, then of the references in order
   * @throws IllegalArgumentException when there is no text, no target, or a position that the
   *     reference's RoPE table does not have
   * @throws IllegalStateException when the arena's limit or the system's memory does not suffice
   */
  public DitState newState(TensorArena arena, int textTokens, List<LatentGrid> images) {
    return new DitState(arena, config, posEmbed, textTokens, images);
  }

  /**
   * {@link #forward(DitState, Tensor, Tensor, float, int, Taps)} of a model without {@code
   * use_additional_t_cond}.
   */
  public Tensor forward(
      DitState state, Tensor imageTokens, Tensor text, float timestep, Taps taps) {
    if (config.useAdditionalTCond()) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forward: the model has use_additional_t_cond, expected an"
              + " additionalTCond of 0 or 1, got none; pass one");
    }
    return run(state, imageTokens, text, timestep, 0, taps);
  }

  /**
   * Velocity of the target tokens.
   *
   * @param state from {@link #newState} of this transformer
   * @param imageTokens {@code [I, inChannels]}: packed latents, target rows first, then each
   *     reference's
   * @param text {@code [L, jointAttentionDim]}: prompt embeddings
   * @param timestep noise level 0 to 1: the schedule's timestep divided by 1000 in float32
   * @param additionalTCond row of {@code addition_t_embedding}, 0 or 1
   * @return {@code [T, patchSize² · outChannels]}, overwritten by the next forward on this state
   * @throws java.util.concurrent.CancellationException when a checkpoint of {@code taps} throws it;
   *     the state stays usable
   */
  public Tensor forward(
      DitState state,
      Tensor imageTokens,
      Tensor text,
      float timestep,
      int additionalTCond,
      Taps taps) {
    if (!config.useAdditionalTCond()) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forward: the model has no use_additional_t_cond, expected no"
              + " additionalTCond, got "
              + additionalTCond
              + "; leave it out");
    }
    if (additionalTCond < 0 || additionalTCond >= TimestepEmbedding.ADDITIONAL_CONDITIONS) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forward: additionalTCond, expected 0 or 1, got "
              + additionalTCond
              + "; pass one of them");
    }
    return run(state, imageTokens, text, timestep, additionalTCond, taps);
  }

  /** N tokens = L text + I image, of which T target; D channels. */
  private Tensor run(
      DitState state,
      Tensor imageTokens,
      Tensor text,
      float timestep,
      int additionalTCond,
      Taps taps) {
    requireInputs(state, imageTokens, text, timestep);
    Tensor textStream = state.textRows().of(state.hidden); // [L, D]
    Tensor imageStream = state.allImageRows().of(state.hidden); // [I, D]
    Tensor targetStream = state.targetRows().of(state.hidden); // [T, D]
    Tensor targetNormed = state.targetRows().of(state.normed); // [T, D]

    // 1. Both streams into the inner width.
    imgIn.forward(compute, imageStream, imageTokens); // [I, D]
    taps.tap("img_in", imageStream);
    RmsNorm.forward(compute, state.textNormed, text, txtNorm, EPS); // [L, jointAttentionDim]
    txtIn.forward(compute, textStream, state.textNormed); // [L, D]
    taps.tap("txt_in", textStream);

    // 2. Conditioning: row 0 for the timestep, row 1 for t = 0 when the model conditions its
    //    references on it (zero_cond_t).
    for (int condition = 0; condition < state.temb.dim(0); condition++) {
      timeTextEmbed.forward(
          compute,
          state.temb.rows(condition, condition + 1),
          state.timeHidden,
          state.timeProjection,
          condition == 0 ? timestep : 0,
          additionalTCond); // [1, D]
    }
    taps.tap("time_text_embed", state.temb);
    Activations.silu(compute, state.siluTemb, state.temb); // [conditions, D]
    taps.tap("pos_embed.cos", state.cos);
    taps.tap("pos_embed.sin", state.sin);

    // 3. The blocks.
    for (int i = 0; i < transformerBlocks.size(); i++) {
      taps.checkpoint();
      String path = "transformer_blocks." + i;
      transformerBlocks.get(i).forward(compute, state, path, taps); // [N, D]
      taps.tap(path, imageStream);
      taps.tap(path + ".txt", textStream);
    }

    // 4. Out of the inner width; only the target's rows are asked for.
    normOut.forwardFewRows(
        compute, state.normOut.view(1, 2 * state.normOut.dim(1)), state.siluTemb(0)); // [1, 2·D]
    LayerNorm.modulated(
        compute, targetNormed, targetStream, state.shiftOut(), state.scaleOut(), EPS); // [T, D]
    taps.tap("norm_out", targetNormed);
    projOut.forward(compute, state.velocity, targetNormed); // [T, patchSize² · outChannels]
    taps.tap("proj_out", state.velocity);
    return state.velocity;
  }

  private void requireInputs(DitState state, Tensor imageTokens, Tensor text, float timestep) {
    if (!state.config().equals(config)) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forward: state of another model, expected one for "
              + config
              + ", got "
              + state.config()
              + "; use this transformer's newState");
    }
    requireShape(
        "imageTokens (target and references)",
        imageTokens,
        state.imageTokens(),
        config.inChannels());
    requireShape("text", text, state.textTokens(), config.jointAttentionDim());
    if (!(timestep >= 0 && timestep <= 1 + SHIFT_ROUNDING)) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forward: timestep, expected a noise level of 0 to 1, got "
              + timestep
              + "; divide the schedule's timestep by 1000");
    }
  }

  private static void requireShape(String what, Tensor tensor, long rows, long channels) {
    long[] expected = {rows, channels};
    if (tensor.dtype() != DType.F32 || !Arrays.equals(tensor.shape().toArray(), expected)) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forward: "
              + what
              + ", expected F32"
              + Arrays.toString(expected)
              + ", got "
              + tensor.dtype()
              + tensor.shape()
              + " ("
              + tensor.name()
              + "); make a state for these sizes with newState");
    }
  }
}
