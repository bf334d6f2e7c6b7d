package inkstone.model.lora;

import inkstone.loader.config.TransformerConfig;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every linear layer of the transformer by its module path, in order: what adapters can be for. The
 * paths are those of diffusers' {@code transformer_qwenimage.py}.
 */
public final class LinearLayers {
  /**
   * Sizes of one layer.
   *
   * @param in columns of its weight
   * @param out rows of its weight
   */
  public record Size(long in, long out) {
    @Override
    public String toString() {
      return "[" + out + ", " + in + "]";
    }
  }

  private static final int TIME_PROJECTION = 256;
  private static final int MLP_EXPANSION = 4;
  private static final int MODULATION_VECTORS = 6;
  private static final List<String> ATTENTION =
      List.of(
          "to_q",
          "to_k",
          "to_v",
          "to_out.0",
          "add_q_proj",
          "add_k_proj",
          "add_v_proj",
          "to_add_out");

  private LinearLayers() {}

  /** All of them. */
  public static Map<String, Size> of(TransformerConfig config) {
    long d = config.innerDim();
    long patch = (long) config.patchSize() * config.patchSize();
    Map<String, Size> layers = new LinkedHashMap<>();
    layers.put(
        "time_text_embed.timestep_embedder.linear_1", new Size(TIME_PROJECTION, d)); // [D, 256]
    layers.put("time_text_embed.timestep_embedder.linear_2", new Size(d, d));
    layers.put("img_in", new Size(config.inChannels(), d));
    layers.put("txt_in", new Size(config.jointAttentionDim(), d));
    for (int i = 0; i < config.numLayers(); i++) {
      String block = "transformer_blocks." + i + ".";
      for (String stream : List.of("img", "txt")) {
        layers.put(block + stream + "_mod.1", new Size(d, MODULATION_VECTORS * d));
        layers.put(block + stream + "_mlp.net.0.proj", new Size(d, MLP_EXPANSION * d));
        layers.put(block + stream + "_mlp.net.2", new Size(MLP_EXPANSION * d, d));
      }
      for (String projection : ATTENTION) {
        layers.put(block + "attn." + projection, new Size(d, d));
      }
    }
    layers.put("norm_out.linear", new Size(d, 2 * d));
    layers.put("proj_out", new Size(d, patch * config.outChannels()));
    return Collections.unmodifiableMap(layers);
  }
}
