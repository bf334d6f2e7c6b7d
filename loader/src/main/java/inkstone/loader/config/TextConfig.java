package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * The language model of a Qwen2.5-VL config: {@code text_config}, or the top level of a flat file.
 *
 * @param vocabSize rows of the embedding
 * @param hiddenSize features of a token
 * @param intermediateSize features inside the feed-forward network
 * @param numHiddenLayers decoder layers
 * @param numAttentionHeads query heads
 * @param numKeyValueHeads key and value heads
 * @param headDim size of a head
 * @param rmsNormEps epsilon of every RMSNorm
 * @param ropeTheta base of the rotary frequencies
 * @param mropeSection rotary frequency pairs for time, height and width; their sum is half a head
 * @param maxPositionEmbeddings longest sequence that the model was made for
 * @param slidingWindow tokens that a sliding layer sees; 0 when no layer slides
 * @param slidingLayers for each layer, whether it sees only the sliding window
 */
public record TextConfig(
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int numHiddenLayers,
    int numAttentionHeads,
    int numKeyValueHeads,
    int headDim,
    float rmsNormEps,
    double ropeTheta,
    List<Integer> mropeSection,
    int maxPositionEmbeddings,
    int slidingWindow,
    List<Boolean> slidingLayers) {

  /** The text half of Qwen2.5-VL-7B-Instruct, which all Qwen-Image models use. */
  public static final TextConfig QWEN_IMAGE =
      new TextConfig(
          152_064,
          3584,
          18_944,
          28,
          28,
          4,
          128,
          1e-6f,
          1_000_000,
          List.of(16, 24, 24),
          128_000,
          0,
          Collections.nCopies(28, false));

  public TextConfig {
    mropeSection = List.copyOf(mropeSection);
    slidingLayers = List.copyOf(slidingLayers);
  }

  /** Defaults are those of transformers' Qwen2_5_VLTextConfig, which describe the 72B model. */
  static TextConfig of(Json config) throws CheckpointException {
    ConfigFiles.requireString(config, "model_type", "qwen2_5_vl_text", "qwen2_5_vl");
    ConfigFiles.requireString(config, "hidden_act", "silu");
    int hiddenSize = config.integer("hidden_size", 8192, 1, 65_536);
    int layers = config.integer("num_hidden_layers", 80, 1, 1024);
    int heads = config.integer("num_attention_heads", 64, 1, 1024);
    boolean sameHeads =
        config.declares("num_key_value_heads") && !config.has("num_key_value_heads");
    int keyValueHeads = config.integer("num_key_value_heads", sameHeads ? heads : 8, 1, 1024);
    if (heads % keyValueHeads != 0) {
      throw config.errorAt(
          "num_key_value_heads", "a divisor of num_attention_heads " + heads, keyValueHeads);
    }
    if (hiddenSize % heads != 0 || hiddenSize / heads % 2 != 0) {
      throw config.errorAt(
          "hidden_size", "an even multiple of num_attention_heads " + heads, hiddenSize);
    }
    int headDim = hiddenSize / heads;
    if (config.integer("head_dim", headDim, 1, 65_536) != headDim) {
      throw config.get("head_dim").error(headDim + ", which is hidden_size / num_attention_heads");
    }
    RopeConfig rope = RopeConfig.of(config, 1_000_000);
    if (rope.sectionSum() != headDim / 2) {
      throw config.errorAt(
          "mrope_section", "a sum of half a head, " + headDim / 2, rope.mropeSection());
    }
    int window =
        config.flag("use_sliding_window", false)
            ? config.integer("sliding_window", 4096, 1, Integer.MAX_VALUE)
            : 0;
    List<Boolean> sliding = slidingLayers(config, layers, window);
    return new TextConfig(
        config.integer("vocab_size", 152_064, 1, 16_000_000),
        hiddenSize,
        config.integer("intermediate_size", 29_568, 1, 1_048_576),
        layers,
        heads,
        keyValueHeads,
        headDim,
        (float) config.number("rms_norm_eps", 1e-5, 1e-12, 1),
        rope.theta(),
        rope.mropeSection(),
        config.integer("max_position_embeddings", 32_768, 1, Integer.MAX_VALUE),
        sliding.contains(true) ? window : 0,
        sliding);
  }

  private static List<Boolean> slidingLayers(Json config, int layers, int window)
      throws CheckpointException {
    List<Boolean> sliding = new ArrayList<>();
    if (config.has("layer_types")) {
      for (Json type : ConfigFiles.items(config, "layer_types", layers, layers)) {
        String name = type.asString();
        if (!name.equals("full_attention") && !name.equals("sliding_attention")) {
          throw type.error("full_attention or sliding_attention");
        }
        sliding.add(window > 0 && name.equals("sliding_attention"));
      }
    } else {
      int first = config.integer("max_window_layers", 80, 0, Integer.MAX_VALUE);
      for (int i = 0; i < layers; i++) {
        sliding.add(window > 0 && i >= first);
      }
    }
    return sliding;
  }
}
