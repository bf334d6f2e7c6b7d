package inkstone.app.cli;

import inkstone.loader.safetensors.TensorEntry;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;

/**
 * The weights of one network as their headers describe them.
 *
 * @param name folder in the model, or the file's name
 * @param className class that the config names, or a guess by the tensors' names
 * @param problems what does not fit together
 */
record Component(
    String name,
    String className,
    List<Path> files,
    SortedMap<String, TensorEntry> tensors,
    Map<String, String> metadata,
    List<String> problems) {
  private static final Pattern INDEX = Pattern.compile("(?<=\\.)\\d+(?=\\.)");

  /** Tensors that differ only in the numbers of their names. */
  record Group(String pattern, String dtype, String shape) {}

  long parameters() {
    return tensors.values().stream().mapToLong(tensor -> tensor.shape().elements()).sum();
  }

  long bytes() {
    return tensors.values().stream().mapToLong(TensorEntry::bytes).sum();
  }

  /** How many tensors each dtype has. */
  SortedMap<String, Integer> dtypes() {
    SortedMap<String, Integer> counts = new TreeMap<>();
    tensors.values().forEach(tensor -> counts.merge(tensor.dtype().name(), 1, Integer::sum));
    return counts;
  }

  /** Groups in the order of their first tensor, with their sizes. */
  Map<Group, Integer> groups() {
    Map<Group, Integer> groups = new LinkedHashMap<>();
    tensors
        .values()
        .forEach(tensor ->
            groups.merge(
                new Group(
                    INDEX.matcher(tensor.name()).replaceAll("*"),
                    tensor.dtype().name(),
                    tensor.shape().toString()),
                1,
                Integer::sum));
    return groups;
  }

  /** What the tensors' names look like, for a file without a config. */
  static String guess(SortedMap<String, TensorEntry> tensors) {
    boolean lora =
        tensors.keySet().stream()
            .anyMatch(name -> name.contains("lora_") || name.contains(".lora."));
    if (lora) {
      return "LoRA";
    }
    if (any(tensors, "transformer_blocks.0.attn.add_q_proj.")) {
      return "QwenImageTransformer2DModel";
    }
    if (any(tensors, "visual.") || any(tensors, "model.visual.")) {
      return "Qwen2_5_VLForConditionalGeneration";
    }
    if (any(tensors, "quant_conv.") && any(tensors, "decoder.")) {
      return "AutoencoderKLQwenImage";
    }
    return "unknown";
  }

  private static boolean any(SortedMap<String, TensorEntry> tensors, String prefix) {
    SortedMap<String, TensorEntry> from = tensors.tailMap(prefix);
    return !from.isEmpty() && from.firstKey().startsWith(prefix);
  }
}
