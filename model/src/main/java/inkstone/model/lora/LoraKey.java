package inkstone.model.lora;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A tensor's name taken apart. Endings are those of peft, of kohya's sd-scripts, of diffusers
 * ({@code loaders/lora_conversion_utils.py}) and of ComfyUI ({@code comfy/lora.py}, {@code
 * comfy/weight_adapter}); an adapter called {@code default} may stand in the name.
 *
 * @param module as the file spells it
 * @param part what the tensor is to it
 */
record LoraKey(String module, LoraPart part) {
  private static final List<Map.Entry<String, LoraPart>> ENDINGS = new ArrayList<>();

  static {
    down(".lora_A.weight", ".lora_B.weight");
    down(".lora_down.weight", ".lora_up.weight");
    down(".lora.down.weight", ".lora.up.weight");
    down("_lora.down.weight", "_lora.up.weight");
    down(".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight");
    down(".lora_A", ".lora_B");
    add(".lora_B.bias", LoraPart.UP_BIAS);
    add(".alpha", LoraPart.ALPHA);
    add(".hada_w1_a", LoraPart.HADA_1A);
    add(".hada_w1_b", LoraPart.HADA_1B);
    add(".hada_w2_a", LoraPart.HADA_2A);
    add(".hada_w2_b", LoraPart.HADA_2B);
    add(".lokr_w1", LoraPart.KRON_1);
    add(".lokr_w1_a", LoraPart.KRON_1A);
    add(".lokr_w1_b", LoraPart.KRON_1B);
    add(".lokr_w2", LoraPart.KRON_2);
    add(".lokr_w2_a", LoraPart.KRON_2A);
    add(".lokr_w2_b", LoraPart.KRON_2B);
    add(".diff", LoraPart.DIFF);
    add(".diff_b", LoraPart.DIFF_BIAS);
    add(".dora_scale", LoraPart.DORA);
    add(".lora_magnitude_vector", LoraPart.DORA);
    add(".lora_magnitude_vector.weight", LoraPart.DORA);
    add(".lora_mid.weight", LoraPart.TUCKER);
    add(".hada_t1", LoraPart.TUCKER);
    add(".hada_t2", LoraPart.TUCKER);
    add(".lokr_t2", LoraPart.TUCKER);
  }

  private static void down(String down, String up) {
    add(down, LoraPart.DOWN);
    add(up, LoraPart.UP);
  }

  private static void add(String ending, LoraPart part) {
    ENDINGS.add(Map.entry(ending, part));
  }

  /** The parts of a name, or null when its ending is none that is known. */
  static LoraKey of(String name) {
    String plain = name.replace(".default.", ".");
    if (plain.endsWith(".default")) {
      plain = plain.substring(0, plain.length() - ".default".length());
    }
    for (Map.Entry<String, LoraPart> ending : ENDINGS) {
      if (plain.endsWith(ending.getKey())) {
        String module = plain.substring(0, plain.length() - ending.getKey().length());
        return module.isEmpty() ? null : new LoraKey(module, ending.getValue());
      }
    }
    return null;
  }
}
