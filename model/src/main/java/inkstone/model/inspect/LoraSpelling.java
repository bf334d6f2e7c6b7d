package inkstone.model.inspect;

import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/** In which words a file's keys say that they are a LoRA. */
final class LoraSpelling {
  /** Ends of keys, and what the spelling is called. */
  private static final List<String[]> WORDS =
      List.of(
          new String[] {"lora_A", "lora_A/lora_B"},
          new String[] {"lora_B", "lora_A/lora_B"},
          new String[] {"lora_down", "lora_down/lora_up"},
          new String[] {"lora_up", "lora_down/lora_up"},
          new String[] {"lora.down", "lora.down/lora.up"},
          new String[] {"lora.up", "lora.down/lora.up"},
          new String[] {"hada_w1", "LoHa"},
          new String[] {"hada_w2", "LoHa"},
          new String[] {"lokr_w1", "LoKr"},
          new String[] {"lokr_w2", "LoKr"});

  private static final List<String> PREFIXES =
      List.of("base_model.model.", "diffusion_model.", "transformer.", "lora_unet_", "lycoris_");

  private LoraSpelling() {}

  /** The spelling, or null when the names are no LoRA's. */
  static String of(Set<String> names) {
    TreeSet<String> words = new TreeSet<>();
    TreeSet<String> prefixes = new TreeSet<>();
    for (String name : names) {
      for (String[] word : WORDS) {
        int at = name.lastIndexOf("." + word[0]);
        if (at >= 0 || name.startsWith(word[0])) {
          words.add(word[1]);
          PREFIXES.stream().filter(name::startsWith).findFirst().ifPresent(prefixes::add);
          if (name.contains(".default.")) {
            prefixes.add(".default.");
          }
        }
      }
    }
    if (words.isEmpty()) {
      return null;
    }
    String spelling = String.join(" and ", words);
    return prefixes.isEmpty() ? spelling : spelling + ", with " + String.join(" and ", prefixes);
  }
}
