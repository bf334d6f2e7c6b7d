package inkstone.model.bench;

import inkstone.loader.config.TransformerConfig;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Names and shapes of the tensors of a QwenImageTransformer2DModel. */
public final class DitShapes {
  private final Map<String, long[]> shapes = new LinkedHashMap<>();

  private DitShapes() {}

  /** Shape of each tensor by its name. */
  public static Map<String, long[]> of(TransformerConfig config) {
    DitShapes all = new DitShapes();
    long inner = config.innerDim();
    all.linear("img_in", config.inChannels(), inner);
    all.linear("txt_in", config.jointAttentionDim(), inner);
    all.shapes.put("txt_norm.weight", new long[] {config.jointAttentionDim()});
    all.linear("time_text_embed.timestep_embedder.linear_1", 256, inner);
    all.linear("time_text_embed.timestep_embedder.linear_2", inner, inner);
    if (config.useAdditionalTCond()) {
      all.shapes.put("time_text_embed.addition_t_embedding.weight", new long[] {2, inner});
    }
    for (int i = 0; i < config.numLayers(); i++) {
      all.block("transformer_blocks." + i + ".", inner, config.attentionHeadDim());
    }
    all.linear("norm_out.linear", inner, 2 * inner);
    long patch = (long) config.patchSize() * config.patchSize();
    all.linear("proj_out", inner, patch * config.outChannels());
    return all.shapes;
  }

  private void block(String at, long inner, long headDim) {
    for (String stream : List.of("img", "txt")) {
      linear(at + stream + "_mod.1", inner, 6 * inner);
      linear(at + stream + "_mlp.net.0.proj", inner, 4 * inner);
      linear(at + stream + "_mlp.net.2", 4 * inner, inner);
    }
    for (String name : List.of("to_q", "to_k", "to_v", "to_out.0")) {
      linear(at + "attn." + name, inner, inner);
    }
    for (String name : List.of("add_q_proj", "add_k_proj", "add_v_proj", "to_add_out")) {
      linear(at + "attn." + name, inner, inner);
    }
    for (String name : List.of("norm_q", "norm_k", "norm_added_q", "norm_added_k")) {
      shapes.put(at + "attn." + name + ".weight", new long[] {headDim});
    }
  }

  private void linear(String name, long in, long out) {
    shapes.put(name + ".weight", new long[] {out, in});
    shapes.put(name + ".bias", new long[] {out});
  }
}
