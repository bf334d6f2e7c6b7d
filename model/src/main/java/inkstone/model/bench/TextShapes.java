package inkstone.model.bench;

import inkstone.loader.config.TextConfig;
import inkstone.loader.config.VisionConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Names and shapes of the two halves of a Qwen2_5_VLForConditionalGeneration. */
public final class TextShapes {
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  private TextShapes() {}

  /** Shape of each tensor of the decoder by its name. */
  public static Map<String, long[]> decoder(TextConfig config) {
    TextShapes all = new TextShapes();
    long hidden = config.hiddenSize();
    long heads = (long) config.numAttentionHeads() * config.headDim();
    long keyHeads = (long) config.numKeyValueHeads() * config.headDim();
    all.shapes.put("model.embed_tokens.weight", new long[] {config.vocabSize(), hidden});
    for (int i = 0; i < config.numHiddenLayers(); i++) {
      String at = "model.layers." + i + ".";
      all.norm(at + "input_layernorm", hidden);
      all.linear(at + "self_attn.q_proj", hidden, heads, true);
      all.linear(at + "self_attn.k_proj", hidden, keyHeads, true);
      all.linear(at + "self_attn.v_proj", hidden, keyHeads, true);
      all.linear(at + "self_attn.o_proj", heads, hidden, false);
      all.norm(at + "post_attention_layernorm", hidden);
      all.mlp(at + "mlp.", hidden, config.intermediateSize(), false);
    }
    all.norm("model.norm", hidden);
    return all.shapes;
  }

  /** Shape of each tensor of the vision tower by its name. */
  public static Map<String, long[]> vision(VisionConfig config) {
    TextShapes all = new TextShapes();
    long hidden = config.hiddenSize();
    long side = config.patchSize();
    all.shapes.put(
        "visual.patch_embed.proj.weight",
        new long[] {hidden, config.inChannels(), config.temporalPatchSize(), side, side});
    for (int i = 0; i < config.depth(); i++) {
      String at = "visual.blocks." + i + ".";
      all.norm(at + "norm1", hidden);
      all.linear(at + "attn.qkv", hidden, 3 * hidden, true);
      all.linear(at + "attn.proj", hidden, hidden, true);
      all.norm(at + "norm2", hidden);
      all.mlp(at + "mlp.", hidden, config.intermediateSize(), true);
    }
    long merged = hidden * config.spatialMergeSize() * config.spatialMergeSize();
    all.norm("visual.merger.ln_q", hidden);
    all.linear("visual.merger.mlp.0", merged, merged, true);
    all.linear("visual.merger.mlp.2", merged, config.outHiddenSize(), true);
    return all.shapes;
  }

  private void mlp(String at, long hidden, long intermediate, boolean bias) {
    for (String name : List.of("gate_proj", "up_proj")) {
      linear(at + name, hidden, intermediate, bias);
    }
    linear(at + "down_proj", intermediate, hidden, bias);
  }

  private void norm(String name, long channels) {
    shapes.put(name + ".weight", new long[] {channels});
  }

  private void linear(String name, long in, long out, boolean bias) {
    shapes.put(name + ".weight", new long[] {out, in});
    if (bias) {
      shapes.put(name + ".bias", new long[] {out});
    }
  }
}
