package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.config.ShapeConfigs;
import inkstone.loader.config.TextConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.loader.config.VisionConfig;
import inkstone.model.bench.DitShapes;
import inkstone.model.bench.TextShapes;
import inkstone.model.bench.VaeShapes;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * How a network is built, and which tensors it then reads.
 *
 * @param config its sizes by their keys in config.json
 * @param from config.json, metadata, or shapes
 * @param expected shape of each tensor that its constructor asks for
 */
record NetworkFacts(Map<String, Object> config, String from, Map<String, long[]> expected) {
  /** Side of a picture; the shapes of the VAE's tensors don't depend on it. */
  private static final int ANY_SIDE = 64;

  /** A config from one of its three places. */
  record Config<C>(C config, String from) {}

  @FunctionalInterface
  private interface Read<C> {
    C from(Path file) throws CheckpointException;
  }

  @FunctionalInterface
  private interface Parse<C> {
    C from(String json, String where) throws CheckpointException;
  }

  @FunctionalInterface
  private interface Infer<C> {
    C from(TensorSource source) throws CheckpointException;
  }

  private static <C> Config<C> config(
      Path file, TensorSource source, Read<C> read, Parse<C> parse, Infer<C> infer)
      throws CheckpointException {
    if (file != null) {
      return new Config<>(read.from(file), "config.json");
    }
    String text = source.metadata().get("inkstone.config");
    text = text == null ? source.metadata().get("config") : text;
    return text == null
        ? new Config<>(infer.from(source), "shapes")
        : new Config<>(parse.from(text, source.where("") + ", metadata"), "metadata");
  }

  /** Of a transformer. */
  static Config<TransformerConfig> transformer(Path file, TensorSource source)
      throws CheckpointException {
    return config(
        file, source, TransformerConfig::read, TransformerConfig::parse, ShapeConfigs::transformer);
  }

  /** The transformer of a config. */
  static NetworkFacts of(Config<TransformerConfig> read) {
    TransformerConfig config = read.config();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("num_layers", config.numLayers());
    facts.put("num_attention_heads", config.numAttentionHeads());
    facts.put("attention_head_dim", config.attentionHeadDim());
    facts.put("in_channels", config.inChannels());
    facts.put("out_channels", config.outChannels());
    facts.put("joint_attention_dim", config.jointAttentionDim());
    facts.put("patch_size", config.patchSize());
    facts.put("axes_dims_rope", config.axesDimsRope());
    return new NetworkFacts(facts, read.from(), DitShapes.of(config));
  }

  /**
   * A text encoder.
   *
   * @param vision the vision tower; null when there is none
   */
  static NetworkFacts text(Path file, TensorSource text, TensorSource vision)
      throws CheckpointException {
    Config<TextEncoderConfig> read =
        config(
            file,
            text,
            TextEncoderConfig::read,
            TextEncoderConfig::parse,
            tensors -> ShapeConfigs.textEncoder(tensors, vision));
    TextConfig config = read.config().text();
    Map<String, Object> facts = new LinkedHashMap<>();
    add(facts, config);
    boolean nested = text.names().contains("model.language_model.embed_tokens.weight");
    Map<String, long[]> expected = new LinkedHashMap<>();
    TextShapes.decoder(config)
        .forEach((name, dims) ->
            expected.put(
                nested ? name.replaceFirst("^model", "model.language_model") : name, dims));
    if (vision != null) {
      add(facts, expected, read.config().vision(), vision);
    }
    return new NetworkFacts(facts, read.from(), expected);
  }

  /** A vision tower of its own, as the published one is built. */
  static NetworkFacts vision(TensorSource vision) {
    Map<String, Object> facts = new LinkedHashMap<>();
    Map<String, long[]> expected = new LinkedHashMap<>();
    add(facts, expected, VisionConfig.QWEN_IMAGE, vision);
    return new NetworkFacts(facts, "published model", expected);
  }

  private static void add(
      Map<String, Object> facts,
      Map<String, long[]> expected,
      VisionConfig config,
      TensorSource vision) {
    add(facts, config);
    boolean nested = vision.names().contains("model.visual.patch_embed.proj.weight");
    TextShapes.vision(config)
        .forEach((name, dims) -> expected.put(nested ? "model." + name : name, dims));
  }

  /** Sizes of a text model. */
  static void add(Map<String, Object> facts, TextConfig config) {
    facts.put("num_hidden_layers", config.numHiddenLayers());
    facts.put("hidden_size", config.hiddenSize());
    facts.put("intermediate_size", config.intermediateSize());
    facts.put("vocab_size", config.vocabSize());
    facts.put("num_attention_heads", config.numAttentionHeads());
    facts.put("num_key_value_heads", config.numKeyValueHeads());
  }

  /** Sizes of a vision tower. */
  static void add(Map<String, Object> facts, VisionConfig config) {
    facts.put("vision_config.depth", config.depth());
    facts.put("vision_config.hidden_size", config.hiddenSize());
    facts.put("vision_config.intermediate_size", config.intermediateSize());
    facts.put("vision_config.num_heads", config.numHeads());
    facts.put("vision_config.patch_size", config.patchSize());
    facts.put("vision_config.out_hidden_size", config.outHiddenSize());
  }

  /** A VAE. */
  static NetworkFacts vae(Path file, TensorSource source) throws CheckpointException {
    Config<VaeConfig> read =
        config(file, source, VaeConfig::read, VaeConfig::parse, ShapeConfigs::vae);
    VaeConfig config = read.config();
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("base_dim", config.baseDim());
    facts.put("z_dim", config.zDim());
    facts.put("dim_mult", config.dimMult());
    facts.put("num_res_blocks", config.numResBlocks());
    facts.put("input_channels", config.inputChannels());
    facts.put("temperal_downsample", config.temperalDownsample());
    Map<String, long[]> expected =
        new LinkedHashMap<>(VaeShapes.encoder(config, ANY_SIDE).shapes());
    expected.putAll(VaeShapes.decoder(config, ANY_SIDE).shapes());
    addTimeConvs(expected, source);
    return new NetworkFacts(facts, read.from(), expected);
  }

  /** Convolutions over time, which one frame never reaches: looked at where the file has them. */
  private static void addTimeConvs(Map<String, long[]> expected, TensorSource source) {
    String resample = ".resample.1.weight";
    for (Map.Entry<String, long[]> entry : List.copyOf(expected.entrySet())) {
      if (entry.getKey().endsWith(resample)) {
        String at = entry.getKey().replace(resample, ".time_conv");
        long in = entry.getValue()[1];
        // Going up, the convolution gives two frames for one.
        long out = at.startsWith("decoder.") ? 2 * in : in;
        if (source.names().contains(at + ".weight")) {
          expected.put(at + ".weight", new long[] {out, in, 3, 1, 1});
          expected.put(at + ".bias", new long[] {out});
        }
      }
    }
  }
}
