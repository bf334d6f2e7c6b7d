package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.form.PartKind;
import inkstone.loader.form.PartSource;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.model.pipeline.ZeroCondT;
import inkstone.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/** Makes the report on one network of an open checkpoint. */
final class ComponentBuilder {
  private static final String LLAMA = "llama.cpp";

  private final TensorArena arena;
  private final TensorSource source;
  private final Map<PartKind, String> network;
  private final Set<String> prefixes;
  private final LoraTarget target;
  private final GgufMetadata gguf;
  private final List<String> problems = new ArrayList<>();

  /**
   * For one network.
   *
   * @param network its kinds with their prefixes; empty when nothing is recognised
   * @param prefixes those of all networks in the checkpoint
   * @param gguf typed metadata of a GGUF file; null for other files
   */
  ComponentBuilder(
      TensorArena arena,
      TensorSource source,
      Map<PartKind, String> network,
      Set<String> prefixes,
      LoraTarget target,
      GgufMetadata gguf) {
    this.arena = arena;
    this.source = source;
    this.network = network;
    this.prefixes = prefixes;
    this.target = target;
    this.gguf = gguf;
  }

  Component build(String name, String format, List<Path> files, Path config, List<String> found)
      throws CheckpointException {
    problems.addAll(found);
    SortedMap<String, TensorFacts> tensors = tensors();
    NetworkFacts facts = null;
    Fit fit = null;
    ZeroCondT.Choice zeroCondT = null;
    try {
      List<PartSource> parts = new ArrayList<>();
      for (Map.Entry<PartKind, String> part : network.entrySet()) {
        if (part.getKey() != PartKind.LORA) {
          parts.add(PartSource.of(source, part.getKey(), part.getValue()));
        }
      }
      if (!parts.isEmpty()) {
        if (network.containsKey(PartKind.TRANSFORMER)) {
          NetworkFacts.Config<TransformerConfig> read =
              NetworkFacts.transformer(config, parts.getFirst());
          zeroCondT = zeroCondT(parts.getFirst(), read);
          facts = NetworkFacts.of(read);
        } else {
          facts = facts(parts, config);
        }
        fit = Fit.of(facts.expected(), parts);
      }
    } catch (CheckpointException e) {
      problems.add(e.getMessage());
    }
    boolean lora = network.containsKey(PartKind.LORA);
    return new Component(
        name,
        className(config),
        List.copyOf(network.keySet()),
        words(),
        format,
        lora ? LoraSpelling.of(source.names()) : naming(),
        List.copyOf(files),
        tensors,
        source.metadata().isEmpty() ? Map.of() : new TreeMap<>(source.metadata()),
        facts == null ? Map.of() : facts.config(),
        facts == null ? "" : facts.from(),
        fit,
        zeroCondT,
        Licence.of(source.metadata()),
        lora ? LoraFit.of(arena, source, files.getFirst(), target) : null,
        List.copyOf(problems));
  }

  private SortedMap<String, TensorFacts> tensors() {
    SortedMap<String, TensorFacts> tensors = new TreeMap<>();
    for (String name : source.names()) {
      if (network.isEmpty() || network.containsValue(longestPrefix(name))) {
        Tensor tensor = source.tensor(name);
        tensors.put(
            name,
            new TensorFacts(name, tensor.dtype(), tensor.shape(), tensor.segment().byteSize()));
      }
    }
    return tensors;
  }

  /** The prefix of the network that a name belongs to; names of no other belong to the shortest. */
  private String longestPrefix(String name) {
    String longest = prefixes.contains("") ? "" : network.values().iterator().next();
    for (String prefix : prefixes) {
      if (name.startsWith(prefix) && prefix.length() > longest.length()
          || name.startsWith(prefix) && !name.startsWith(longest)) {
        longest = prefix;
      }
    }
    return longest;
  }

  private NetworkFacts facts(List<PartSource> parts, Path config) throws CheckpointException {
    if (network.containsKey(PartKind.VAE)) {
      return NetworkFacts.vae(config, parts.getFirst());
    }
    if (gguf != null && naming().equals(LLAMA)) {
      return network.containsKey(PartKind.TEXT_ENCODER)
          ? LlamaFacts.text(gguf, parts.getFirst())
          : LlamaFacts.vision(parts.getFirst());
    }
    if (network.containsKey(PartKind.TEXT_ENCODER)) {
      return NetworkFacts.text(config, parts.getFirst(), parts.size() > 1 ? parts.getLast() : null);
    }
    return NetworkFacts.vision(parts.getFirst());
  }

  private static ZeroCondT.Choice zeroCondT(
      PartSource part, NetworkFacts.Config<TransformerConfig> read) {
    return ZeroCondT.said(part, read.config(), read.from().equals("config.json"));
  }

  private String className(Path config) {
    if (config != null) {
      try {
        Json json = Json.read(config);
        if (json.has("_class_name")) {
          return json.get("_class_name").asString();
        }
        if (json.has("architectures") && !json.get("architectures").items().isEmpty()) {
          return json.get("architectures").items().getFirst().asString();
        }
      } catch (CheckpointException e) {
        problems.add(e.getMessage());
      }
    }
    if (network.isEmpty()) {
      return "unknown";
    }
    return switch (network.keySet().iterator().next()) {
      case TRANSFORMER -> "QwenImageTransformer2DModel";
      case TEXT_ENCODER -> "Qwen2_5_VLForConditionalGeneration";
      case VISION_TOWER -> "Qwen2_5_VisionTransformerPretrainedModel";
      case VAE -> "AutoencoderKLQwenImage";
      case LORA -> "LoRA";
    };
  }

  private String words() {
    return network.isEmpty()
        ? PartKind.describe(source.names())
        : String.join(" with ", network.keySet().stream().map(PartKind::words).toList());
  }

  /** Whose names the tensors have. */
  private String naming() {
    if (network.isEmpty()) {
      return "";
    }
    Map.Entry<PartKind, String> first = network.entrySet().iterator().next();
    String prefix = first.getValue();
    Set<String> names = source.names();
    String whose =
        switch (first.getKey()) {
          case TRANSFORMER -> "diffusers";
          case TEXT_ENCODER ->
              names.contains("token_embd.weight")
                  ? LLAMA
                  : names.contains(prefix + "model.language_model.embed_tokens.weight")
                      ? "transformers 5"
                      : "transformers 4";
          case VISION_TOWER ->
              names.contains("v.patch_embd.weight")
                  ? LLAMA
                  : names.contains(prefix + "model.visual.patch_embed.proj.weight")
                      ? "transformers 5"
                      : "transformers 4";
          case VAE ->
              names.contains(prefix + "decoder.middle.0.residual.0.gamma") ? "Wan" : "diffusers";
          case LORA -> "";
        };
    return prefix.isEmpty() ? whose : whose + ", behind " + prefix;
  }
}
