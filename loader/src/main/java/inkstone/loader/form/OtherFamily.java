package inkstone.loader.form;

import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/** Names models that are often taken for a Qwen-Image part, by the start of a tensor's name. */
final class OtherFamily {
  private static final Map<String, String> STARTS =
      new TreeMap<>(
          Map.of(
              "double_blocks.", "a Flux or HunyuanVideo transformer",
              "model.diffusion_model.double_blocks.", "a Flux or HunyuanVideo transformer",
              "joint_blocks.", "a Stable Diffusion 3 transformer",
              "model.diffusion_model.joint_blocks.", "a Stable Diffusion 3 transformer",
              "model.diffusion_model.input_blocks.", "a Stable Diffusion UNet",
              "text_model.encoder.", "a CLIP text encoder",
              "encoder.block.", "a T5 text encoder",
              "blocks.", "a Wan video transformer",
              "decoder.", "a VAE of another family",
              "model.layers.", "a language model without an embedding"));

  private OtherFamily() {}

  static String describe(Set<String> names) {
    for (Map.Entry<String, String> start : STARTS.entrySet()) {
      if (names.stream().anyMatch(name -> name.startsWith(start.getKey()))) {
        return start.getValue();
      }
    }
    return names.isEmpty() ? "a checkpoint without tensors" : "no part of a Qwen-Image model";
  }
}
