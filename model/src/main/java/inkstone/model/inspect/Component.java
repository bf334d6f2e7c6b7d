package inkstone.model.inspect;

import inkstone.loader.form.PartKind;
import inkstone.model.pipeline.ZeroCondT;
import inkstone.tensor.DType;
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
 * @param className class that the config names, else that of the network
 * @param kinds networks in the tensors; a text encoder often has its vision tower beside it
 * @param what the same in words, also for what is no part of a Qwen-Image model
 * @param format such as safetensors
 * @param naming whose names the tensors have, such as diffusers; of a LoRA its spelling; empty when
 *     unknown
 * @param config sizes of the network by their keys in config.json
 * @param configFrom where the config is from: config.json, metadata, or shapes; empty without one
 * @param fit tensors against those that the network reads; null when it is unknown
 * @param zeroCondT null for other networks than the transformer
 * @param licence null when the file does not say it
 * @param lora null for all but LoRAs
 * @param problems what does not fit together
 */
public record Component(
    String name,
    String className,
    List<PartKind> kinds,
    String what,
    String format,
    String naming,
    List<Path> files,
    SortedMap<String, TensorFacts> tensors,
    Map<String, String> metadata,
    Map<String, Object> config,
    String configFrom,
    Fit fit,
    ZeroCondT.Choice zeroCondT,
    Licence licence,
    LoraFit lora,
    List<String> problems) {
  private static final Pattern INDEX = Pattern.compile("(?<=\\.)\\d+(?=\\.)");

  /** Tensors that differ only in the numbers of their names. */
  public record Group(String pattern, String dtype, String shape) {}

  /** Tensors of a dtype. */
  public record Share(int tensors, long bytes) {
    Share plus(long more) {
      return new Share(tensors + 1, bytes + more);
    }
  }

  /** Elements of all tensors. */
  public long parameters() {
    return tensors.values().stream().mapToLong(tensor -> tensor.shape().elements()).sum();
  }

  /** Bytes of all tensors. */
  public long bytes() {
    return tensors.values().stream().mapToLong(TensorFacts::bytes).sum();
  }

  /**
   * How much each dtype has. An 8-bit float weight with a factor beside it is counted apart, as
   * "F8_E4M3 scaled".
   */
  public SortedMap<String, Share> dtypes() {
    SortedMap<String, Share> shares = new TreeMap<>();
    for (TensorFacts tensor : tensors.values()) {
      String dtype = tensor.dtype().name() + (scaled(tensor) ? " scaled" : "");
      shares.put(dtype, shares.getOrDefault(dtype, new Share(0, 0)).plus(tensor.bytes()));
    }
    return shares;
  }

  private boolean scaled(TensorFacts tensor) {
    if (tensor.dtype() != DType.F8_E4M3 && tensor.dtype() != DType.F8_E5M2) {
      return false;
    }
    String name = tensor.name();
    String module = name.endsWith(".weight") ? name.substring(0, name.length() - 6) : name + ".";
    return tensors.containsKey(module + "scale_weight")
        || tensors.containsKey(module + "weight_scale");
  }

  /** Groups in the order of their first tensor, with their sizes. */
  public Map<Group, Integer> groups() {
    Map<Group, Integer> groups = new LinkedHashMap<>();
    for (TensorFacts tensor : tensors.values()) {
      groups.merge(
          new Group(
              INDEX.matcher(tensor.name()).replaceAll("*"),
              tensor.dtype().name(),
              tensor.shape().toString()),
          1,
          Integer::sum);
    }
    return groups;
  }
}
