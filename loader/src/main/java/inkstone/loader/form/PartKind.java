package inkstone.loader.form;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The networks of a Qwen-Image model, recognised by the tensors that no other network has. A file
 * may hold several: ComfyUI's text encoder holds the vision tower too. The signs are those of
 * ComfyUI's {@code model_detection.py} and {@code sd.py}, and llama.cpp's tensor names.
 */
public enum PartKind {
  TRANSFORMER("the diffusion transformer of Qwen-Image", "--diffusion-model"),
  TEXT_ENCODER("a Qwen2.5-VL text encoder", "--llm"),
  VISION_TOWER("a Qwen2.5-VL vision tower", "--llm-vision"),
  VAE("the VAE of Qwen-Image", "--vae"),
  LORA("a LoRA", "--lora");

  /** Said in files where nothing is added before the names; the others by programs that bundle. */
  private static final Map<PartKind, List<String>> PREFIXES =
      Map.of(
          TRANSFORMER,
          List.of("", "model.diffusion_model.", "diffusion_model."),
          TEXT_ENCODER,
          List.of("", "text_encoders.qwen25_7b.transformer."),
          VISION_TOWER,
          List.of("", "text_encoders.qwen25_7b.transformer."),
          VAE,
          List.of("", "vae.", "first_stage_model."));

  private static final Map<PartKind, List<String>> SIGNS =
      Map.of(
          TRANSFORMER,
          List.of("transformer_blocks.0.attn.norm_added_q.weight"),
          TEXT_ENCODER,
          List.of(
              "model.embed_tokens.weight",
              "model.language_model.embed_tokens.weight",
              "token_embd.weight"),
          VISION_TOWER,
          List.of(
              "visual.patch_embed.proj.weight",
              "model.visual.patch_embed.proj.weight",
              "v.patch_embd.weight"),
          VAE,
          List.of(
              "decoder.mid_block.attentions.0.to_qkv.weight", "decoder.middle.1.to_qkv.weight"));

  /** Wan 2.2's VAE, which has the same middle. */
  private static final String WAN_22 = "decoder.upsamples.0.upsamples.0.residual.2.weight";

  private final String words;
  private final String flag;

  PartKind(String words, String flag) {
    this.words = words;
    this.flag = flag;
  }

  /** As in "F is …". */
  public String words() {
    return words;
  }

  /** The option that takes a file of this kind. */
  public String flag() {
    return flag;
  }

  /** What a file holds, each with what stands before its names. */
  public static Map<PartKind, String> of(Set<String> names) {
    Map<PartKind, String> found = new EnumMap<>(PartKind.class);
    if (names.stream().anyMatch(PartKind::isLora)) {
      found.put(LORA, "");
      return found;
    }
    for (PartKind kind : List.of(TRANSFORMER, TEXT_ENCODER, VISION_TOWER, VAE)) {
      for (String prefix : PREFIXES.get(kind)) {
        if (!found.containsKey(kind) && kind.signs(names, prefix)) {
          found.put(kind, prefix);
        }
      }
    }
    return found;
  }

  private boolean signs(Set<String> names, String prefix) {
    return SIGNS.get(this).stream().anyMatch(sign -> names.contains(prefix + sign))
        && !(this == VAE && names.contains(prefix + WAN_22));
  }

  private static boolean isLora(String name) {
    return name.contains(".lora_A.")
        || name.contains(".lora_B.")
        || name.contains("lora_down")
        || name.contains("lora_up")
        || name.contains(".lora.")
        || name.contains("hada_w1")
        || name.contains("lokr_w");
  }

  /** What a file is, for a message about one that is none of these. */
  public static String describe(Set<String> names) {
    Map<PartKind, String> found = of(names);
    if (!found.isEmpty()) {
      return String.join(" with ", found.keySet().stream().map(PartKind::words).toList());
    }
    return OtherFamily.describe(names);
  }
}
