package inkstone.model.convert;

import inkstone.loader.form.PartKind;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import java.util.List;

/**
 * What keeps more bits in a GGUF file: norms, biases and all that is one-dimensional are small and
 * stay F32; embeddings, modulation and output layers, whose errors every token or block feels, get
 * Q8_0 at least.
 */
final class DefaultRules {
  /** Parts of names, of diffusers, transformers and llama.cpp. */
  private static final List<String> CAREFUL_TRANSFORMER =
      List.of(
          "img_in.",
          "txt_in.",
          "time_text_embed.",
          "img_mod.",
          "txt_mod.",
          "norm_out.",
          "proj_out.");

  private static final List<String> CAREFUL_TEXT =
      List.of("embed_tokens.", "lm_head.", "token_embd.", "output.", "visual.", "v.", "mm.");

  private DefaultRules() {}

  static DType type(PartKind kind, String name, Shape shape, DType base) {
    // ggml convolves with F32 and F16 kernels only.
    if (isVector(shape) || name.startsWith("v.patch_embd.")) {
      return DType.F32;
    }
    boolean careful =
        switch (kind) {
          case null -> false;
          case TRANSFORMER -> CAREFUL_TRANSFORMER.stream().anyMatch(name::contains);
          case TEXT_ENCODER, VISION_TOWER ->
              CAREFUL_TEXT.stream().anyMatch(part -> begins(name, part));
          // Convolutions are small and their rows fit no block.
          case VAE, LORA -> false;
        };
    return careful && base.blockElements() > 1 ? DType.Q8_0 : base;
  }

  /** At the start of the name or behind a dot, so that "v." is not the end of another word. */
  private static boolean begins(String name, String part) {
    return name.startsWith(part) || part.length() > 3 && name.contains("." + part);
  }

  /** At most one dimension that counts: the VAE's norms are [C, 1, 1, 1]. */
  private static boolean isVector(Shape shape) {
    int counting = 0;
    for (int i = 0; i < shape.rank(); i++) {
      counting += shape.dim(i) > 1 ? 1 : 0;
    }
    return counting <= 1;
  }
}
