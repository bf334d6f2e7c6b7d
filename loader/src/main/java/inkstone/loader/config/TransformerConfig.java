package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import java.util.List;

/**
 * {@code transformer/config.json} of a QwenImageTransformer2DModel.
 *
 * @param patchSize side of a latent patch that becomes one token
 * @param inChannels features of a packed token
 * @param outChannels latent channels that the model predicts; a token has patchSize² times as many
 * @param numLayers transformer blocks
 * @param attentionHeadDim size of a head
 * @param numAttentionHeads heads of the joint attention
 * @param jointAttentionDim features of a text token
 * @param guidanceEmbeds whether a guidance scale is embedded beside the timestep
 * @param axesDimsRope rotary features of a head for frame, height and width; their sum is the head
 * @param zeroCondT whether reference tokens are modulated as at timestep 0
 * @param useAdditionalTCond whether a second condition is embedded beside the timestep
 * @param useLayer3dRope whether images are layers of one picture
 * @param referenceMask whom reference tokens attend to: {@code reference_mask}, "none" or "self", a
 *     key of this project for checkpoints trained with such a mask
 */
public record TransformerConfig(
    int patchSize,
    int inChannels,
    int outChannels,
    int numLayers,
    int attentionHeadDim,
    int numAttentionHeads,
    int jointAttentionDim,
    boolean guidanceEmbeds,
    List<Integer> axesDimsRope,
    boolean zeroCondT,
    boolean useAdditionalTCond,
    boolean useLayer3dRope,
    ReferenceMask referenceMask) {

  /** Qwen-Image, Qwen-Image-Edit and Qwen-Image-Edit-2509. */
  public static final TransformerConfig QWEN_IMAGE =
      new TransformerConfig(
          2,
          64,
          16,
          60,
          128,
          24,
          3584,
          false,
          List.of(16, 56, 56),
          false,
          false,
          false,
          ReferenceMask.NONE);

  /** Qwen-Image-Edit-2511: references are modulated as at timestep 0. */
  public static final TransformerConfig QWEN_IMAGE_EDIT_2511 =
      new TransformerConfig(
          2,
          64,
          16,
          60,
          128,
          24,
          3584,
          false,
          List.of(16, 56, 56),
          true,
          false,
          false,
          ReferenceMask.NONE);

  public TransformerConfig {
    axesDimsRope = List.copyOf(axesDimsRope);
  }

  /** The same model with another mask of its references. */
  public TransformerConfig withReferenceMask(ReferenceMask mask) {
    return new TransformerConfig(
        patchSize,
        inChannels,
        outChannels,
        numLayers,
        attentionHeadDim,
        numAttentionHeads,
        jointAttentionDim,
        guidanceEmbeds,
        axesDimsRope,
        zeroCondT,
        useAdditionalTCond,
        useLayer3dRope,
        mask);
  }

  /** The same model with references modulated as at timestep 0, or not. */
  public TransformerConfig withZeroCondT(boolean zero) {
    return new TransformerConfig(
        patchSize,
        inChannels,
        outChannels,
        numLayers,
        attentionHeadDim,
        numAttentionHeads,
        jointAttentionDim,
        guidanceEmbeds,
        axesDimsRope,
        zero,
        useAdditionalTCond,
        useLayer3dRope,
        referenceMask);
  }

  /** Features of a token inside the blocks. */
  public int innerDim() {
    return numAttentionHeads * attentionHeadDim;
  }

  /** Reads config.json from its path, from {@code transformer/}, or from the model's folder. */
  public static TransformerConfig read(Path folderOrFile) throws CheckpointException {
    return of(ConfigFiles.read(folderOrFile, "transformer", "config.json"));
  }

  /** Reads the text of a config.json. */
  public static TransformerConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  private static TransformerConfig of(Json config) throws CheckpointException {
    TransformerConfig standard = QWEN_IMAGE;
    ConfigFiles.requireString(config, "_class_name", "QwenImageTransformer2DModel");
    int inChannels = config.integer("in_channels", standard.inChannels, 1, 65_536);
    // null or 0 stands for in_channels, as in diffusers' transformer_qwenimage.py.
    int outChannels = config.integer("out_channels", standard.outChannels, 0, 65_536);
    if (outChannels == 0 || config.declares("out_channels") && !config.has("out_channels")) {
      outChannels = inChannels;
    }
    TransformerConfig read =
        new TransformerConfig(
            config.integer("patch_size", standard.patchSize, 1, 64),
            inChannels,
            outChannels,
            config.integer("num_layers", standard.numLayers, 1, 1024),
            config.integer("attention_head_dim", standard.attentionHeadDim, 2, 1024),
            config.integer("num_attention_heads", standard.numAttentionHeads, 1, 1024),
            config.integer("joint_attention_dim", standard.jointAttentionDim, 1, 65_536),
            config.flag("guidance_embeds", standard.guidanceEmbeds),
            ConfigFiles.ints(config, "axes_dims_rope", standard.axesDimsRope, 3, 3, 0, 1024),
            config.flag("zero_cond_t", standard.zeroCondT),
            config.flag("use_additional_t_cond", standard.useAdditionalTCond),
            config.flag("use_layer3d_rope", standard.useLayer3dRope),
            referenceMask(config));
    read.requireAxesFitHead(config);
    return read;
  }

  private static ReferenceMask referenceMask(Json config) throws CheckpointException {
    String word = config.string("reference_mask", "none");
    return switch (word) {
      case "none" -> ReferenceMask.NONE;
      case "self" -> ReferenceMask.SELF;
      default -> throw config.errorAt("reference_mask", "none or self", word);
    };
  }

  private void requireAxesFitHead(Json config) throws CheckpointException {
    int sum = 0;
    boolean even = true;
    for (int axis : axesDimsRope) {
      sum += axis;
      even &= axis % 2 == 0;
    }
    if (sum != attentionHeadDim || !even) {
      throw config.errorAt(
          "axes_dims_rope",
          "three even numbers with the sum attention_head_dim " + attentionHeadDim,
          axesDimsRope);
    }
  }
}
