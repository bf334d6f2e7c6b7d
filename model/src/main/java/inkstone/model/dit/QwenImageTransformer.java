package inkstone.model.dit;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.ReferenceMask;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.kv.ReferenceKvCache;
import inkstone.model.kv.StepPlan;
import inkstone.model.lora.LoraNeeds;
import inkstone.model.lora.LoraSet;
import inkstone.ops.Activations;
import inkstone.ops.Attention;
import inkstone.ops.Compute;
import inkstone.ops.LayerNorm;
import inkstone.ops.Linear;
import inkstone.ops.RmsNorm;
import inkstone.ops.Rows;
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
  private final LoraSet loras;
  private final AxialRope posEmbed;
  private final TimestepEmbedding timeTextEmbed;
  private final Tensor txtNorm; // [jointAttentionDim]
  private final LinearLayer imgIn;
  private final LinearLayer txtIn;
  private final List<TransformerBlock> transformerBlocks = new ArrayList<>();
  private final LinearLayer normOut;
  private final LinearLayer projOut;

  /** Without adapters. */
  public QwenImageTransformer(Compute compute, TransformerConfig config, Weights weights)
      throws CheckpointException {
    this(compute, config, weights, LoraSet.NONE);
  }

  /**
   * @param weights cursor at the transformer's root; not kept
   * @param loras what changes its linear layers, opened for the same config
   * @throws CheckpointException when the config asks what is not done, contradicts itself, or a
   *     weight is missing or of another shape
   */
  public QwenImageTransformer(
      Compute compute, TransformerConfig config, Weights weights, LoraSet loras)
      throws CheckpointException {
    requireSupported(config);
    this.compute = compute;
    this.config = config;
    this.loras = loras;
    LayerWeights layers = new LayerWeights(weights, loras, "");
    long innerDim = config.innerDim();
    posEmbed = new AxialRope(config.axesDimsRope());
    timeTextEmbed =
        new TimestepEmbedding(layers.at("time_text_embed"), innerDim, config.useAdditionalTCond());
    txtNorm = layers.at("txt_norm").tensor("weight", config.jointAttentionDim());
    imgIn = layers.linear("img_in", config.inChannels(), innerDim);
    txtIn = layers.linear("txt_in", config.jointAttentionDim(), innerDim);
    for (int i = 0; i < config.numLayers(); i++) {
      transformerBlocks.add(
          new TransformerBlock(
              layers.at("transformer_blocks", i), innerDim, config.attentionHeadDim()));
    }
    normOut = layers.linear("norm_out.linear", innerDim, 2 * innerDim);
    projOut = layers.linear("proj_out", innerDim, DitState.outFeatures(config));
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

  /** What LoRA files change of it. */
  public LoraSet loras() {
    return loras;
  }

  /**
   * Bytes that {@link #newState} takes from its arena.
   *
   * @param images grid of the target, then of the references in order
   */
  public long stateBytes(int textTokens, List<LatentGrid> images) {
    return stateBytes(config, loras.needs(), textTokens, images);
  }

  /** {@link #stateBytes(int, List)} of a transformer that need not be open, without adapters. */
  public static long stateBytes(TransformerConfig config, int textTokens, List<LatentGrid> images) {
    return stateBytes(config, LoraNeeds.NONE, textTokens, images);
  }

  /** {@link #stateBytes(int, List)} of a transformer that need not be open, with adapters. */
  public static long stateBytes(
      TransformerConfig config, LoraNeeds loras, int textTokens, List<LatentGrid> images) {
    return DitState.bytes(config, loras, textTokens, images);
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
    return new DitState(arena, config, loras.needs(), posEmbed, textTokens, images);
  }

  /**
   * {@link #forward(DitState, Tensor, Tensor, float, int, Taps)} of a model without {@code
   * use_additional_t_cond}.
   */
  public Tensor forward(
      DitState state, Tensor imageTokens, Tensor text, float timestep, Taps taps) {
    requireNoAdditionalTCond();
    return run(state, ReferencePass.NONE, imageTokens, text, timestep, 0, taps);
  }

  /**
   * Velocity of the target tokens, as the reuse asks: with kept keys and values of the references
   * in place of their rows, with fresh ones that are kept for later, or both. Positions, modulation
   * rows and the order of the keys stay those of the whole sequence.
   *
   * <p>The parameters are those of {@link #forward(DitState, Tensor, Tensor, float, Taps)}. A
   * {@link StepPlan.Prefill} reads the tokens of its reference only and gives no velocity.
   *
   * @throws IllegalArgumentException also when the reuse does not fit the sequence: the message
   *     names what does not
   * @throws IllegalStateException when the plan reads a cache that no whole pass has filled
   */
  public Tensor forwardWithCachedReferences(
      DitState state,
      ReferencePass reuse,
      Tensor imageTokens,
      Tensor text,
      float timestep,
      Taps taps) {
    requireNoAdditionalTCond();
    return runWithCaches(state, reuse, imageTokens, text, timestep, 0, taps);
  }

  /**
   * The same for a model with {@code use_additional_t_cond}.
   *
   * @param additionalTCond row of {@code addition_t_embedding}, 0 or 1; the same in all passes that
   *     share a memo
   */
  public Tensor forwardWithCachedReferences(
      DitState state,
      ReferencePass reuse,
      Tensor imageTokens,
      Tensor text,
      float timestep,
      int additionalTCond,
      Taps taps) {
    requireAdditionalTCond(additionalTCond);
    return runWithCaches(state, reuse, imageTokens, text, timestep, additionalTCond, taps);
  }

  private Tensor runWithCaches(
      DitState state,
      ReferencePass reuse,
      Tensor imageTokens,
      Tensor text,
      float timestep,
      int additionalTCond,
      Taps taps) {
    PassCheck.require(config, state, reuse);
    List<ReferenceKvCache> written = written(reuse);
    boolean through = false;
    try {
      if (reuse.plan() instanceof StepPlan.Partial) {
        written.forEach(ReferenceKvCache::beginRefresh);
      } else {
        written.forEach(ReferenceKvCache::beginWrite);
      }
      Tensor velocity = run(state, reuse, imageTokens, text, timestep, additionalTCond, taps);
      written.forEach(ReferenceKvCache::endWrite);
      through = true;
      return velocity;
    } finally {
      if (!through) {
        written.forEach(ReferenceKvCache::abandonWrite);
      }
    }
  }

  private static List<ReferenceKvCache> written(ReferencePass reuse) {
    return switch (reuse.plan()) {
      case StepPlan.Cached c -> List.of();
      case StepPlan.Prefill(int reference) -> List.of(reuse.caches().get(reference));
      case StepPlan.Full f -> reuse.caches();
      case StepPlan.Partial p -> reuse.caches();
    };
  }

  /**
   * A memo for the passes of one request.
   *
   * @param textTokens of each branch of guidance
   * @param images grid of the target, then of the references in order
   */
  public ExactMemo newMemo(TensorArena arena, List<Integer> textTokens, List<LatentGrid> images) {
    return new ExactMemo(arena, config, textTokens, images);
  }

  /** Bytes of the workers' scratch in a forward over so many tokens. */
  public static long scratchBytes(
      Compute compute, TransformerConfig config, int textTokens, List<LatentGrid> images) {
    long rows = Math.max(textTokens, images.stream().mapToLong(LatentGrid::tokens).sum());
    int widest = Math.toIntExact(FeedForward.EXPANSION * config.innerDim());
    return Math.max(
        Linear.scratchBytes(compute, rows, widest),
        Attention.scratchBytes(compute, config.attentionHeadDim()));
  }

  /** Bytes that {@link #newMemo} takes from its arena. */
  public long memoBytes(List<Integer> textTokens, List<LatentGrid> images) {
    return memoBytes(config, textTokens, images);
  }

  /** {@link #memoBytes(List, List)} of a transformer that need not be open. */
  public static long memoBytes(
      TransformerConfig config, List<Integer> textTokens, List<LatentGrid> images) {
    return ExactMemo.bytes(config, textTokens, images);
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
    requireAdditionalTCond(additionalTCond);
    return run(state, ReferencePass.NONE, imageTokens, text, timestep, additionalTCond, taps);
  }

  private void requireAdditionalTCond(int additionalTCond) {
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
  }

  private void requireNoAdditionalTCond() {
    if (config.useAdditionalTCond()) {
      throw new IllegalArgumentException(
          "QwenImageTransformer.forward: the model has use_additional_t_cond, expected an"
              + " additionalTCond of 0 or 1, got none; pass one");
    }
  }

  /** N tokens = L text + I image, of which T target; D channels. */
  private Tensor run(
      DitState state,
      ReferencePass reuse,
      Tensor imageTokens,
      Tensor text,
      float timestep,
      int additionalTCond,
      Taps taps) {
    requireInputs(state, imageTokens, text, timestep);
    BlockPass pass =
        new BlockPass(
            compute,
            state,
            reuse,
            timestep,
            transformerBlocks.size(),
            config.referenceMask() == ReferenceMask.SELF);

    // 1. Both streams into the inner width.
    embedImages(state, pass, reuse, imageTokens);
    taps.tap("img_in", pass.rows(0).image().of(state.hidden)); // [I, D]
    if (pass.rows(0).text().count() > 0) {
      embedText(state, reuse, text);
      taps.tap("txt_in", state.textRows().of(state.hidden)); // [L, D]
    }

    // 2. Conditioning: row 0 for the timestep, row 1 for t = 0 when the model conditions its
    //    references on it (zero_cond_t).
    for (int condition = 0; condition < state.temb.dim(0); condition++) {
      timeTextEmbed.forward(
          compute,
          state.lora,
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
      transformerBlocks.get(i).forward(compute, state, pass, i, path, taps); // [N, D]
      ActiveRows onward = pass.onward(i);
      if (onward.image().count() > 0) {
        taps.tap(path, onward.image().of(state.hidden));
      }
      if (onward.text().count() > 0) {
        taps.tap(path + ".txt", onward.text().of(state.hidden));
      }
    }
    if (reuse.plan() instanceof StepPlan.Prefill) {
      return state.velocity;
    }

    // 4. Out of the inner width; only the target's rows are asked for.
    Tensor targetStream = state.targetRows().of(state.hidden); // [T, D]
    Tensor targetNormed = state.targetRows().of(state.normed); // [T, D]
    normOut.forwardFewRows(
        compute,
        state.lora,
        state.normOut.view(1, 2 * state.normOut.dim(1)),
        state.siluTemb(DitState.Condition.IMAGE)); // [1, 2·D]
    LayerNorm.modulated(
        compute, targetNormed, targetStream, state.shiftOut(), state.scaleOut(), EPS); // [T, D]
    taps.tap("norm_out", targetNormed);
    projOut.forward(
        compute, state.lora, state.velocity, targetNormed); // [T, patchSize² · outChannels]
    taps.tap("proj_out", state.velocity);
    return state.velocity;
  }

  /** Embeds the image rows that block 0 finds; references come from the memo where it has them. */
  private void embedImages(
      DitState state, BlockPass pass, ReferencePass reuse, Tensor imageTokens) {
    DitState.Rows rows = pass.rows(0).image();
    ExactMemo memo = reuse.memo();
    long target = state.targetRows().count();
    if (reuse.plan() instanceof StepPlan.Prefill) {
      long from = rows.from() - state.textTokens();
      imgIn.forward(
          compute,
          state.lora,
          rows.of(state.hidden),
          imageTokens.rows(from, from + rows.count())); // [Ri, D]
      return;
    }
    DitState.Rows references = new DitState.Rows(state.targetRows().to(), rows.to());
    imgIn.forward(
        compute,
        state.lora,
        state.targetRows().of(state.hidden),
        imageTokens.rows(0, target)); // [T, D]
    if (references.count() == 0) {
      return;
    }
    Tensor embedded = references.of(state.hidden); // [R or r, D]
    Tensor tokens = imageTokens.rows(target, imageTokens.dim(0)); // [R, inChannels]
    boolean known = memo != null && memo.referencesKnown();
    if (pass.slice() == null) {
      if (known) {
        embedded.copyFrom(memo.references());
      } else {
        imgIn.forward(compute, state.lora, embedded, tokens);
      }
    } else if (known) {
      Rows.gather(compute, embedded, memo.references(), pass.slice());
    } else {
      // All of them: the tokens may have more channels than the buffers, the embedded ones never.
      Tensor all = state.referenceRows().of(state.normed); // [R, D]
      imgIn.forward(compute, state.lora, all, tokens);
      Rows.gather(compute, embedded, all, pass.slice());
    }
    if (memo != null && !known && pass.slice() == null) {
      memo.keepReferences(embedded);
    }
  }

  private void embedText(DitState state, ReferencePass reuse, Tensor text) {
    Tensor textStream = state.textRows().of(state.hidden); // [L, D]
    ExactMemo memo = reuse.memo();
    if (memo != null && memo.recallText(reuse.branch(), textStream)) {
      return;
    }
    RmsNorm.forward(compute, state.textNormed, text, txtNorm, EPS); // [L, jointAttentionDim]
    txtIn.forward(compute, state.lora, textStream, state.textNormed); // [L, D]
    if (memo != null) {
      memo.keepText(reuse.branch(), textStream);
    }
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
