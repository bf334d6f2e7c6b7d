package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import java.util.Map;

/**
 * llama.cpp's names for the vision tower of Qwen2.5-VL in an mmproj file, as gguf-py's
 * tensor_mapping.py has them. Queries, keys and values are three tensors there, {@code
 * visual.blocks.0.attn.q} and so on; the two frames of a patch are two, joined by {@link
 * PatchFrames}.
 */
public final class VisionNames {
  private static final String BLOCKS = "visual.blocks.";

  private static final Map<String, String> TOWER =
      Map.of(
          "visual.patch_embed.proj.weight", PatchFrames.FIRST,
          "visual.merger.ln_q.weight", "v.post_ln.weight",
          "visual.merger.mlp.0.weight", "mm.0.weight",
          "visual.merger.mlp.0.bias", "mm.0.bias",
          "visual.merger.mlp.2.weight", "mm.2.weight",
          "visual.merger.mlp.2.bias", "mm.2.bias");

  private static final Map<String, String> BLOCK =
      Map.of(
          "norm1", "ln1",
          "norm2", "ln2",
          "attn.qkv", "attn_qkv",
          "attn.q", "attn_q",
          "attn.k", "attn_k",
          "attn.v", "attn_v",
          "attn.proj", "attn_out",
          "mlp.gate_proj", "ffn_gate",
          "mlp.up_proj", "ffn_up",
          "mlp.down_proj", "ffn_down");

  private VisionNames() {}

  /**
   * The weights of an mmproj file under the names of transformers 4.
   *
   * @param arena where the joined patch embedding goes, 6 MB in F32
   */
  public static Weights weights(TensorArena arena, TensorSource file) throws CheckpointException {
    return Weights.of(PatchFrames.join(arena, file)).renamed(VisionNames::stored);
  }

  /** llama.cpp's name for one of transformers; a name without one is given back as it is. */
  public static String stored(String name) {
    return TOWER.containsKey(name)
        ? TOWER.get(name)
        : BlockNames.stored(name, BLOCKS, "v.blk.", BLOCK);
  }
}
