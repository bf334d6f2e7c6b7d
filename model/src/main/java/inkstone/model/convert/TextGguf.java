package inkstone.model.convert;

import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.TextConfig;
import inkstone.loader.config.VisionConfig;
import inkstone.loader.gguf.TextNames;
import inkstone.loader.gguf.VisionNames;
import inkstone.loader.write.GgufFields;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Qwen2.5-VL as llama.cpp's converter ({@code conversion/qwenvl.py}) lays it out: the language
 * model in one file, the vision tower in an mmproj file.
 */
final class TextGguf {
  private static final String VISION = "clip.vision.";

  private TextGguf() {}

  /** Whether a tensor of transformers belongs to the vision tower. */
  static boolean isVision(String name) {
    return plain(name).startsWith("visual.");
  }

  /** The name of transformers 4 for that of any version. */
  private static String plain(String name) {
    return name.replaceFirst("^model\\.language_model\\.", "model.")
        .replaceFirst("^model\\.visual\\.", "visual.");
  }

  /** llama.cpp's name for a tensor of the language model. */
  static String textName(String name) {
    return TextNames.stored(plain(name));
  }

  /**
   * A tensor of the vision tower under llama.cpp's names: queries, keys and values apart, and the
   * two frames of a patch apart.
   *
   * @param arena where the frames go
   */
  static Map<String, Tensor> vision(TensorArena arena, String name, Tensor tensor) {
    String plain = plain(name);
    Map<String, Tensor> parts = new LinkedHashMap<>();
    if (plain.contains(".attn.qkv.") && tensor.dim(0) % 3 == 0) {
      long third = tensor.dim(0) / 3;
      for (int i = 0; i < 3; i++) {
        String one = plain.replace(".qkv.", "." + "qkv".charAt(i) + ".");
        parts.put(VisionNames.stored(one), tensor.rows(i * third, (i + 1) * third));
      }
    } else if (plain.equals("visual.patch_embed.proj.weight") && tensor.rank() == 5) {
      for (int frame = 0; frame < tensor.dim(2); frame++) {
        String suffix = frame == 0 ? "" : "." + frame;
        parts.put(VisionNames.stored(plain) + suffix, frame(arena, tensor, frame));
      }
    } else {
      parts.put(VisionNames.stored(plain), tensor);
    }
    return parts;
  }

  /** {@code x[:, :, frame]} of a convolution over time. */
  private static Tensor frame(TensorArena arena, Tensor x, int frame) {
    Tensor out = Tensor.f32(arena, x.name(), x.dim(0), x.dim(1), x.dim(3), x.dim(4));
    long pixels = x.dim(3) * x.dim(4);
    for (long channel = 0; channel < x.dim(0) * x.dim(1); channel++) {
      for (long i = 0; i < pixels; i++) {
        out.setFloat(channel * pixels + i, x.getFloat((channel * x.dim(2) + frame) * pixels + i));
      }
    }
    return out;
  }

  static GgufFields textFields(TextConfig config) {
    List<Integer> sections = new ArrayList<>(config.mropeSection());
    sections.add(0); // ggml has a fourth
    return new GgufFields()
        .string("general.architecture", "qwen2vl")
        .string("general.type", "model")
        .whole("qwen2vl.block_count", config.numHiddenLayers())
        .whole("qwen2vl.context_length", config.maxPositionEmbeddings())
        .whole("qwen2vl.embedding_length", config.hiddenSize())
        .whole("qwen2vl.feed_forward_length", config.intermediateSize())
        .whole("qwen2vl.attention.head_count", config.numAttentionHeads())
        .whole("qwen2vl.attention.head_count_kv", config.numKeyValueHeads())
        .number("qwen2vl.rope.freq_base", (float) config.ropeTheta())
        .number("qwen2vl.attention.layer_norm_rms_epsilon", config.rmsNormEps())
        .wholes("qwen2vl.rope.dimension_sections", sections);
  }

  static GgufFields visionFields(VisionConfig config, ProcessorConfig processor) {
    GgufFields fields =
        new GgufFields()
            .string("general.architecture", "clip")
            .string("general.type", "mmproj")
            .flag("clip.has_vision_encoder", true)
            .string("clip.projector_type", "qwen2.5vl_merger")
            .flag("clip.use_silu", true)
            // What llama.cpp writes where a config has no such key.
            .whole(VISION + "image_size", 560)
            .whole(VISION + "patch_size", config.patchSize())
            .whole(VISION + "embedding_length", config.hiddenSize())
            .whole(VISION + "feed_forward_length", config.intermediateSize())
            .whole(VISION + "block_count", config.depth())
            .whole(VISION + "attention.head_count", config.numHeads())
            .number(VISION + "attention.layer_norm_epsilon", 1e-6f)
            .whole(VISION + "projection_dim", config.outHiddenSize())
            .whole(VISION + "spatial_merge_size", config.spatialMergeSize())
            .whole(VISION + "window_size", config.windowSize())
            .numbers(VISION + "image_mean", floats(processor.imageMean()))
            .numbers(VISION + "image_std", floats(processor.imageStd()));
    int every =
        config.fullattBlockIndexes().isEmpty() ? 0 : config.fullattBlockIndexes().getFirst() + 1;
    boolean regular = every > 0;
    for (int block = 0; block < config.depth(); block++) {
      regular &=
          config.fullattBlockIndexes().contains(block) == ((block + 1) % Math.max(1, every) == 0);
    }
    return regular
        ? fields.whole(VISION + "n_wa_pattern", every)
        : fields.wholes(VISION + "wa_layer_indexes", config.fullattBlockIndexes());
  }

  private static List<Float> floats(List<Double> values) {
    return values.stream().map(Double::floatValue).toList();
  }
}
