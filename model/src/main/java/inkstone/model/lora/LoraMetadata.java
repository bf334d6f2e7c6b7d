package inkstone.model.lora;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * peft's configuration of an adapter, where diffusers stores it: as JSON under {@code
 * lora_adapter_metadata}, its keys behind {@code transformer.} when a pipeline wrote it ({@code
 * loaders/lora_base.py}). It says alpha and rank of layers that have no alpha tensor.
 */
final class LoraMetadata {
  static final String KEY = "lora_adapter_metadata";

  private static final double DEFAULT = 8; // of peft's r and lora_alpha
  private static final double LARGEST = 1e6;
  private static final LoraMetadata NONE =
      new LoraMetadata(DEFAULT, DEFAULT, false, Map.of(), Map.of());

  private final double alpha;
  private final double rank;
  private final boolean rootOfRank;
  private final Map<String, Double> alphas; // by pattern
  private final Map<String, Double> ranks;

  private LoraMetadata(
      double alpha,
      double rank,
      boolean rootOfRank,
      Map<String, Double> alphas,
      Map<String, Double> ranks) {
    this.alpha = alpha;
    this.rank = rank;
    this.rootOfRank = rootOfRank;
    this.alphas = alphas;
    this.ranks = ranks;
  }

  static LoraMetadata of(Map<String, String> metadata, String where) throws CheckpointException {
    String text = metadata.get(KEY);
    if (text == null || text.isBlank()) {
      return NONE;
    }
    Json config = Json.parse(text, where + " " + KEY);
    boolean pipeline = config.keys().stream().anyMatch(key -> key.startsWith("transformer."));
    String prefix = pipeline ? "transformer." : "";
    String name = prefix + (config.has(prefix + "lora_alpha") ? "lora_alpha" : "alpha");
    if (config.flag(prefix + "use_dora", false)) {
      throw config.errorAt(prefix + "use_dora", "false: DoRA is not supported", true);
    }
    return new LoraMetadata(
        config.number(name, DEFAULT, -LARGEST, LARGEST),
        config.number(prefix + "r", DEFAULT, 1, LARGEST),
        config.flag(prefix + "use_rslora", false),
        patterns(config, prefix + "alpha_pattern", -LARGEST),
        patterns(config, prefix + "rank_pattern", 1));
  }

  /**
   * Names of layers, whole behind ^, otherwise also ends of paths; peft's other regexes are not.
   */
  private static Map<String, Double> patterns(Json config, String key, double min)
      throws CheckpointException {
    Map<String, Double> patterns = new LinkedHashMap<>();
    if (config.has(key)) {
      for (Map.Entry<String, Json> entry : config.get(key).fields().entrySet()) {
        if (!entry.getKey().matches("\\^?[A-Za-z0-9_.]*")) {
          throw config.errorAt(key, "names of layers", CheckpointException.quote(entry.getKey()));
        }
        patterns.put(entry.getKey(), entry.getValue().asDouble(min, LARGEST));
      }
    }
    return patterns;
  }

  /** Alpha over rank of a layer, or over the rank's root; 1 when nothing is said. */
  double scaling(String path) {
    double r = first(ranks, path, rank);
    return first(alphas, path, alpha) / (rootOfRank ? Math.sqrt(r) : r);
  }

  private static double first(Map<String, Double> patterns, String path, double otherwise) {
    for (Map.Entry<String, Double> entry : patterns.entrySet()) {
      String name = entry.getKey();
      boolean fits =
          name.startsWith("^")
              ? path.equals(name.substring(1))
              : path.equals(name) || path.endsWith("." + name);
      if (fits) {
        return entry.getValue();
      }
    }
    return otherwise;
  }
}
