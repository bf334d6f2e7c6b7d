package inkstone.model.lora;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TransformerConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The adapters of one transformer, from any number of files. Factors stay mapped as they are
 * stored; only biases that change and small Kronecker factors are copied.
 */
public final class LoraSet {
  /** No adapters: nothing is computed, nothing allocated. */
  public static final LoraSet NONE = new LoraSet(null);

  /**
   * An open file.
   *
   * @param weights cursor at its root
   * @param name for messages
   */
  public record Source(Weights weights, double scale, String name) {}

  private final TensorArena arena; // null without adapters
  private final List<Source> sources = new ArrayList<>();
  private final List<LoraMatch> matches = new ArrayList<>();
  private final Map<String, List<Adapter>> adapters = new HashMap<>();
  private final Map<String, List<AdapterReader.BiasDelta>> biases = new HashMap<>();
  private final Map<String, Tensor> merged = new HashMap<>(); // biases
  private LoraNeeds needs = LoraNeeds.NONE;
  private String digest;

  private LoraSet(TensorArena arena) {
    this.arena = arena;
  }

  /**
   * Maps and matches files.
   *
   * @param arena of the mappings; lives as long as the transformer
   * @throws CheckpointException when a file can't be read, has nothing for this transformer, or a
   *     tensor that doesn't fit its layer
   */
  public static LoraSet open(TensorArena arena, TransformerConfig config, List<LoraFile> files)
      throws CheckpointException {
    List<Source> sources = new ArrayList<>();
    for (LoraFile file : files) {
      sources.add(
          new Source(Weights.open(arena, file.path()), file.scale(), String.valueOf(file.path())));
    }
    return of(arena, config, sources);
  }

  /** The same of files that are open. */
  public static LoraSet of(TensorArena arena, TransformerConfig config, List<Source> sources)
      throws CheckpointException {
    if (sources.isEmpty()) {
      return NONE;
    }
    ModuleNames modules = new ModuleNames(config);
    LoraSet set = new LoraSet(arena);
    for (Source source : sources) {
      set.add(source, modules);
    }
    return set;
  }

  private void add(Source source, ModuleNames modules) throws CheckpointException {
    Weights file = source.weights();
    LoraMatch.Names names = LoraMatch.Names.of(file.names(), modules);
    requireFit(source, names);
    LoraMetadata metadata = LoraMetadata.of(file.metadata(), source.name());
    for (Map.Entry<String, Map<LoraPart, String>> layer : names.layers().entrySet()) {
      String path = layer.getKey();
      AdapterReader reader =
          new AdapterReader(
              file,
              arena,
              path,
              modules.size(path),
              layer.getValue(),
              source.scale() * metadata.scaling(path));
      Adapter adapter = reader.weight();
      List<AdapterReader.BiasDelta> bias = reader.bias();
      if (source.scale() == 0) {
        continue; // checked, and nothing to compute
      }
      if (adapter != null) {
        adapters.computeIfAbsent(path, p -> new ArrayList<>()).add(adapter);
        needs = needs.and(adapter.needs());
      }
      if (!bias.isEmpty()) {
        biases.computeIfAbsent(path, p -> new ArrayList<>()).addAll(bias);
      }
    }
    sources.add(source);
    matches.add(names.match());
  }

  private static void requireFit(Source source, LoraMatch.Names names) throws CheckpointException {
    LoraMatch match = names.match();
    String where = CheckpointException.quote(source.name());
    if (!match.refused().isEmpty()) {
      boolean dora = LoraKey.of(match.refused().getFirst()).part() == LoraPart.DORA;
      throw CheckpointException.of(
          "LoRA: "
              + (dora ? "DoRA" : "a Tucker decomposition")
              + " is not supported, expected none, got "
              + LoraMatch.first(match.refused()),
          where,
          dora ? "merge it into a LoRA first" : "give a LoRA of linear layers");
    }
    if (match.matched().isEmpty()) {
      List<String> got = match.unmatched().isEmpty() ? match.unused() : match.unmatched();
      throw CheckpointException.of(
          "LoRA: no key matches a layer of this model, expected names such as"
              + " transformer_blocks.0.attn.to_q.lora_A.weight, got "
              + (got.isEmpty() ? "no tensors" : LoraMatch.first(got)),
          where,
          "give a LoRA of Qwen-Image, or leave it out");
    }
    if (names.twice() != null) {
      throw CheckpointException.of(
          "LoRA: expected each tensor of a layer once, got "
              + CheckpointException.quote(names.twice())
              + " in another spelling too",
          where,
          "the file was put together wrongly: leave it out");
    }
  }

  /** The files with their scales, as {@code PATH:SCALE}. */
  public List<String> names() {
    return sources.stream().map(s -> s.name() + ":" + LoraFile.number(s.scale())).toList();
  }

  /** Whether there are adapters. */
  public boolean isEmpty() {
    return sources.isEmpty();
  }

  /** Changes of the layer at that path; null when there are none. */
  public LayerAdapters layer(String path) {
    List<Adapter> found = adapters.get(path);
    return found == null ? null : new LayerAdapters(found);
  }

  /**
   * The bias of the layer at that path with its changes, in F32; {@code bias} itself when there are
   * none. It is computed once, however often the transformer is built.
   */
  public synchronized Tensor bias(String path, Tensor bias) {
    List<AdapterReader.BiasDelta> deltas = biases.get(path);
    return deltas == null ? bias : merged.computeIfAbsent(path, p -> merge(bias, deltas));
  }

  private Tensor merge(Tensor bias, List<AdapterReader.BiasDelta> deltas) {
    float[] values = bias.toFloatArray();
    for (AdapterReader.BiasDelta delta : deltas) {
      float[] change = delta.values().toFloatArray();
      for (int i = 0; i < values.length; i++) {
        values[i] += delta.scale() * change[i];
      }
    }
    return Tensor.of(arena, bias.name(), values, bias.shape().toArray());
  }

  /** What the buffers of a run must hold. */
  public LoraNeeds needs() {
    return needs;
  }

  /** What each file is for, in their order. */
  public List<LoraMatch> matches() {
    return List.copyOf(matches);
  }

  /** A line for each file of which something does nothing. */
  public List<String> warnings() {
    List<String> warnings = new ArrayList<>();
    for (int i = 0; i < sources.size(); i++) {
      String warning = matches.get(i).warning();
      if (!warning.isEmpty()) {
        warnings.add("LoRA " + sources.get(i).name() + ": " + warning);
      }
    }
    return warnings;
  }

  /** Changes with what is in the files and with their scales; empty without adapters. */
  public synchronized String digest() {
    if (digest == null) {
      digest = isEmpty() ? "" : LoraDigest.of(sources);
    }
    return digest;
  }
}
