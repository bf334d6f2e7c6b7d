package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * Configs of files that have none: sizes from the shapes of their tensors, and what no shape tells
 * from the published models. Names are those that the networks ask for.
 */
public final class ShapeConfigs {
  private static final int MAX_BLOCKS = 1024;
  private static final String NEXT =
      "put the model's config.json as text under \"config\" into the file's metadata, or use the"
          + " Hugging Face folder";

  private final TensorSource source;

  private ShapeConfigs(TensorSource source) {
    this.source = source;
  }

  /**
   * Of a diffusion transformer; whether references are modulated as at timestep 0 is in no shape
   * and false here.
   *
   * @throws CheckpointException when a tensor is missing or no published model has heads so large
   */
  public static TransformerConfig transformer(TensorSource source) throws CheckpointException {
    return new ShapeConfigs(source).transformer();
  }

  /** Of the VAE, under diffusers' names. */
  public static VaeConfig vae(TensorSource source) throws CheckpointException {
    return new ShapeConfigs(source).vae();
  }

  /**
   * Of a text encoder under Hugging Face's names.
   *
   * @param vision where the vision tower is, if anywhere
   */
  public static TextEncoderConfig textEncoder(TensorSource source, TensorSource vision)
      throws CheckpointException {
    ShapeConfigs text = new ShapeConfigs(source);
    return text.textEncoder(vision == null ? null : new ShapeConfigs(vision));
  }

  /** Of a vision tower under Hugging Face's names. */
  public static VisionConfig visionTower(TensorSource source) throws CheckpointException {
    return new ShapeConfigs(source).visionTower();
  }

  private TransformerConfig transformer() throws CheckpointException {
    TransformerConfig standard = TransformerConfig.QWEN_IMAGE;
    int inner = dim("img_in.weight", 0, 2);
    int headDim = dim("transformer_blocks.0.attn.norm_q.weight", 0, 1);
    if (headDim != standard.attentionHeadDim() || inner % headDim != 0) {
      throw unknown(
          "head size of the transformer",
          standard.attentionHeadDim() + ", the only one whose rotary axes are known",
          headDim + " of " + inner);
    }
    int patch = standard.patchSize();
    return new TransformerConfig(
        patch,
        dim("img_in.weight", 1, 2),
        dim("proj_out.weight", 0, 2) / (patch * patch),
        count("transformer_blocks.", ".attn.to_q.weight"),
        headDim,
        inner / headDim,
        dim("txt_norm.weight", 0, 1),
        source.names().contains("time_text_embed.guidance_embedder.linear_1.weight"),
        standard.axesDimsRope(),
        false,
        source.names().contains("time_text_embed.addition_t_embedding.weight"),
        false,
        ReferenceMask.NONE);
  }

  private VaeConfig vae() throws CheckpointException {
    VaeConfig standard = VaeConfig.QWEN_IMAGE;
    int base = dim("encoder.conv_in.weight", 0, 5);
    int latents = dim("post_quant_conv.weight", 0, 5);
    if (latents != standard.zDim()) {
      throw unknown(
          "latent channels of the VAE",
          standard.zDim() + ", the only ones whose mean and deviation are known",
          latents);
    }
    // The encoder is one flat list: residual blocks, and a convolution that ends a stage.
    List<Integer> mult = new ArrayList<>();
    List<Boolean> temporal = new ArrayList<>();
    int resnets = 0;
    int width = base;
    int block = 0;
    int firstStage = 0;
    for (; block < MAX_BLOCKS; block++) {
      String at = "encoder.down_blocks." + block + ".";
      if (source.names().contains(at + "conv1.weight")) {
        width = dim(at + "conv1.weight", 0, 5);
        resnets++;
      } else if (source.names().contains(at + "resample.1.weight")) {
        firstStage = mult.isEmpty() ? resnets : firstStage;
        mult.add(width / base);
        temporal.add(source.names().contains(at + "time_conv.weight"));
      } else {
        break;
      }
    }
    mult.add(width / base);
    return new VaeConfig(
        base,
        latents,
        mult,
        firstStage == 0 ? resnets : firstStage,
        List.of(),
        temporal,
        dim("encoder.conv_in.weight", 1, 5),
        standard.latentsMean(),
        standard.latentsStd());
  }

  private TextEncoderConfig textEncoder(ShapeConfigs vision) throws CheckpointException {
    TextEncoderConfig standard = TextEncoderConfig.QWEN_IMAGE;
    TextConfig text = standard.text();
    String root =
        source.names().contains("model.language_model.embed_tokens.weight")
            ? "model.language_model."
            : "model.";
    String layer = root + "layers.0.";
    int headDim = text.headDim();
    int hidden = dim(root + "embed_tokens.weight", 1, 2);
    int layers = count(root + "layers.", ".input_layernorm.weight");
    TextConfig inferred =
        new TextConfig(
            dim(root + "embed_tokens.weight", 0, 2),
            hidden,
            dim(layer + "mlp.gate_proj.weight", 0, 2),
            layers,
            dim(layer + "self_attn.q_proj.weight", 0, 2) / headDim,
            dim(layer + "self_attn.k_proj.weight", 0, 2) / headDim,
            headDim,
            text.rmsNormEps(),
            text.ropeTheta(),
            text.mropeSection(),
            text.maxPositionEmbeddings(),
            0,
            Collections.nCopies(layers, false));
    if (inferred.numAttentionHeads() * headDim != hidden || inferred.numKeyValueHeads() == 0) {
      throw unknown(
          "hidden size of the text encoder",
          "heads of " + headDim + ", as Qwen2.5-VL has them",
          hidden + " and " + inferred.numAttentionHeads() + " heads");
    }
    return new TextEncoderConfig(
        inferred,
        vision == null ? standard.vision() : vision.visionTower(),
        standard.imageTokenId(),
        standard.videoTokenId(),
        standard.visionStartTokenId(),
        standard.visionEndTokenId(),
        false);
  }

  private VisionConfig visionTower() throws CheckpointException {
    VisionConfig standard = VisionConfig.QWEN_IMAGE;
    String patches = "visual.patch_embed.proj.weight";
    String root = source.names().contains("model." + patches) ? "model.visual." : "visual.";
    int hidden = dim(root + "patch_embed.proj.weight", 0, 5);
    int depth = count(root + "blocks.", ".norm1.weight");
    if (hidden != standard.hiddenSize() || depth != standard.depth()) {
      throw unknown(
          "vision tower",
          "Qwen2.5-VL's " + standard.depth() + " blocks of " + standard.hiddenSize(),
          depth + " of " + hidden);
    }
    return new VisionConfig(
        depth,
        hidden,
        dim(root + "blocks.0.mlp.gate_proj.weight", 0, 2),
        standard.numHeads(),
        dim(root + "patch_embed.proj.weight", 1, 5),
        dim(root + "patch_embed.proj.weight", 3, 5),
        dim(root + "patch_embed.proj.weight", 2, 5),
        standard.spatialMergeSize(),
        standard.windowSize(),
        standard.fullattBlockIndexes(),
        dim(root + "merger.mlp.2.weight", 0, 2),
        standard.ropeTheta(),
        standard.tokensPerSecond());
  }

  /** How many modules there are, numbered from 0 without a gap. */
  private int count(String start, String end) throws CheckpointException {
    int count = 0;
    while (count < MAX_BLOCKS && source.names().contains(start + count + end)) {
      count++;
    }
    if (count == 0) {
      throw unknown("tensor " + start + "0" + end, "it in the file", "none");
    }
    return count;
  }

  private int dim(String name, int axis, int rank) throws CheckpointException {
    if (!source.names().contains(name)) {
      throw unknown("tensor " + name, "it in the file", "none");
    }
    Shape shape = source.tensor(name).shape();
    if (shape.rank() != rank || shape.dim(axis) < 1 || shape.dim(axis) > 1 << 24) {
      throw unknown("tensor " + name, rank + " dimensions of 1 or more", shape);
    }
    return (int) shape.dim(axis);
  }

  private CheckpointException unknown(String what, Object expected, Object got) {
    return CheckpointException.of(
        "config: " + what + ", expected " + expected + ", got " + got, source.where(""), NEXT);
  }
}
