package inkstone.loader.gguf;

import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import java.util.Map;

/**
 * llama.cpp's names for the language model of Qwen2.5-VL, as gguf-py's tensor_mapping.py has them.
 * No rows of queries or keys are permuted for this architecture, and norms are stored as they are.
 */
public final class TextNames {
  private static final String LAYERS = "model.layers.";

  private static final Map<String, String> MODEL =
      Map.of(
          "model.embed_tokens.weight", "token_embd.weight",
          "model.norm.weight", "output_norm.weight",
          "lm_head.weight", "output.weight");

  private static final Map<String, String> LAYER =
      Map.of(
          "input_layernorm", "attn_norm",
          "self_attn.q_proj", "attn_q",
          "self_attn.k_proj", "attn_k",
          "self_attn.v_proj", "attn_v",
          "self_attn.o_proj", "attn_output",
          "post_attention_layernorm", "ffn_norm",
          "mlp.gate_proj", "ffn_gate",
          "mlp.up_proj", "ffn_up",
          "mlp.down_proj", "ffn_down");

  private TextNames() {}

  /** The weights of a GGUF file under the names of transformers 4. */
  public static Weights weights(TensorSource file) {
    return Weights.of(file).renamed(TextNames::stored);
  }

  /** llama.cpp's name for one of transformers; a name without one is given back as it is. */
  public static String stored(String name) {
    return MODEL.containsKey(name)
        ? MODEL.get(name)
        : BlockNames.stored(name, LAYERS, "blk.", LAYER);
  }
}
