package inkstone.loader.gguf;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.tensor.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Configs of Qwen2.5-VL from the metadata that llama.cpp's converter writes: {@code qwen2vl.*} for
 * the language model, {@code clip.vision.*} for the vision tower. What is in no key comes from the
 * shapes, or is a constant of llama.cpp's clip.cpp. Values are brought into the form of a
 * config.json, so that they pass the same checks.
 */
public final class GgufConfigs {
  /** Ollama's converter writes the second. */
  private static final List<String> TEXT = List.of("qwen2vl", "qwen25vl");

  private static final String VISION = "clip";
  private static final String PROJECTOR = "qwen2.5vl_merger";
  private static final int MAX = Integer.MAX_VALUE;

  private GgufConfigs() {}

  /** Whether the file says that it is the language model of a Qwen2.5-VL. */
  public static boolean isText(GgufMetadata metadata) throws CheckpointException {
    return TEXT.contains(metadata.architecture());
  }

  /** Whether the file says that it is a vision tower, of whichever model. */
  public static boolean isVision(GgufMetadata metadata) throws CheckpointException {
    return metadata.architecture().equals(VISION);
  }

  /**
   * The config of both halves.
   *
   * @param text metadata of the language model
   * @param tensors its tensors
   * @param vision metadata of the mmproj file; null where no picture will be read, and the config
   *     then has the published tower
   * @param visionTensors its tensors, or null
   */
  public static TextEncoderConfig textEncoder(
      GgufMetadata text, TensorSource tensors, GgufMetadata vision, TensorSource visionTensors)
      throws CheckpointException {
    if (!isText(text)) {
      throw text.error("general.architecture", "qwen2vl", architecture(text));
    }
    String arch = text.architecture() + ".";
    long hidden = text.whole(arch + "embedding_length", 1, 65_536);
    long heads = text.whole(arch + "attention.head_count", 1, 1024);
    String json =
        "{\"model_type\": \"qwen2_5_vl\", "
            + tokenIds(text)
            + String.format(
                Locale.ROOT,
                "\"tie_word_embeddings\": %b, \"text_config\": {\"vocab_size\": %d,"
                    + " \"hidden_size\": %d, \"intermediate_size\": %d, \"num_hidden_layers\": %d,"
                    + " \"num_attention_heads\": %d, \"num_key_value_heads\": %d,"
                    + " \"rms_norm_eps\": %s, \"rope_theta\": %s,"
                    + " \"max_position_embeddings\": %d, \"rope_scaling\": {\"type\": \"mrope\","
                    + " \"mrope_section\": %s}}, \"vision_config\": %s}",
                !tensors.names().contains("output.weight"),
                dim(tensors, text.where(), "token_embd.weight", 0, 2),
                hidden,
                text.whole(arch + "feed_forward_length", 1, 1_048_576),
                text.whole(arch + "block_count", 1, 1024),
                heads,
                text.whole(arch + "attention.head_count_kv", heads, 1, 1024),
                text.number(arch + "attention.layer_norm_rms_epsilon", 1e-12, 1),
                text.number(arch + "rope.freq_base", 1_000_000, 1, 1e12),
                text.whole(arch + "context_length", 128_000, 1, MAX),
                sections(text, arch),
                vision == null
                    ? "{\"out_hidden_size\": " + hidden + "}"
                    : vision(vision, visionTensors));
    return TextEncoderConfig.parse(json, text.where());
  }

  /** The image processor's settings in an mmproj file. */
  public static ProcessorConfig processor(GgufMetadata vision) throws CheckpointException {
    requireQwenVision(vision);
    ProcessorConfig usual = ProcessorConfig.QWEN_IMAGE;
    return new ProcessorConfig(
        channels(vision, "clip.vision.image_mean", usual.imageMean()),
        channels(vision, "clip.vision.image_std", usual.imageStd()),
        usual.rescaleFactor(),
        (int) vision.whole("clip.vision.patch_size", usual.patchSize(), 1, 256),
        (int) vision.whole("clip.vision.spatial_merge_size", usual.mergeSize(), 1, 16),
        usual.temporalPatchSize(),
        vision.whole("clip.vision.image_min_pixels", usual.minPixels(), 1, 1L << 40),
        vision.whole("clip.vision.image_max_pixels", usual.maxPixels(), 1, 1L << 40));
  }

  private static String vision(GgufMetadata vision, TensorSource tensors)
      throws CheckpointException {
    requireQwenVision(vision);
    long depth = vision.whole("clip.vision.block_count", 1, 1024);
    return String.format(
        Locale.ROOT,
        "{\"depth\": %d, \"hidden_size\": %d, \"intermediate_size\": %d, \"num_heads\": %d,"
            + " \"in_channels\": %d, \"patch_size\": %d, \"temporal_patch_size\": 2,"
            + " \"spatial_merge_size\": %d, \"window_size\": %d, \"fullatt_block_indexes\": %s,"
            + " \"out_hidden_size\": %d}",
        depth,
        vision.whole("clip.vision.embedding_length", 1, 65_536),
        vision.whole("clip.vision.feed_forward_length", 1, 1_048_576),
        vision.whole("clip.vision.attention.head_count", 1, 1024),
        dim(tensors, vision.where(), PatchFrames.FIRST, 1, 4),
        vision.whole("clip.vision.patch_size", 1, 256),
        vision.whole("clip.vision.spatial_merge_size", 2, 1, 16),
        vision.whole("clip.vision.window_size", 112, 1, 65_536),
        fullAttention(vision, (int) depth),
        vision.whole("clip.vision.projection_dim", 1, 65_536));
  }

  private static void requireQwenVision(GgufMetadata vision) throws CheckpointException {
    if (!isVision(vision)) {
      throw vision.error("general.architecture", VISION, architecture(vision));
    }
    String key =
        vision.has("clip.vision.projector_type")
            ? "clip.vision.projector_type"
            : "clip.projector_type";
    String projector = vision.string(key);
    if (!projector.equals(PROJECTOR)) {
      throw vision.error(key, PROJECTOR, CheckpointException.quote(projector));
    }
  }

  /** Blocks that see the whole picture: listed, or every n-th, or all where none has a window. */
  private static List<Integer> fullAttention(GgufMetadata vision, int depth)
      throws CheckpointException {
    String listed = "clip.vision.wa_layer_indexes";
    if (vision.has(listed)) {
      return Arrays.stream(vision.wholes(listed, 1024))
          .mapToObj(index -> Math.clamp(index, 0, MAX))
          .toList();
    }
    int every = (int) vision.whole("clip.vision.n_wa_pattern", 0, 0, 1024);
    return IntStream.range(0, depth)
        .filter(block -> every == 0 || (block + 1) % every == 0)
        .boxed()
        .toList();
  }

  private static String sections(GgufMetadata text, String arch) throws CheckpointException {
    String key =
        text.has(arch + "rope.mrope_section")
            ? arch + "rope.mrope_section"
            : arch + "rope.dimension_sections";
    long[] sections = text.wholes(key, 4);
    // ggml has a fourth, which this model leaves at 0.
    if (sections.length < 3 || sections.length == 4 && sections[3] != 0) {
      throw text.error(key, "three numbers, or a fourth that is 0", Arrays.toString(sections));
    }
    return Arrays.toString(Arrays.copyOf(sections, 3));
  }

  /** Ids of the tokens that mark pictures; a file without a tokenizer gets the published ones. */
  private static String tokenIds(GgufMetadata text) throws CheckpointException {
    if (!text.has("tokenizer.ggml.tokens")) {
      return "";
    }
    List<String> marks =
        List.of("<|image_pad|>", "<|video_pad|>", "<|vision_start|>", "<|vision_end|>");
    List<String> keys =
        List.of("image_token_id", "video_token_id", "vision_start_token_id", "vision_end_token_id");
    int[] ids = new int[marks.size()];
    Arrays.fill(ids, -1);
    int id = 0;
    for (String token : text.strings("tokenizer.ggml.tokens")) {
      int mark = token.startsWith("<|") ? marks.indexOf(token) : -1;
      if (mark >= 0) {
        ids[mark] = id;
      }
      id++;
    }
    return IntStream.range(0, ids.length)
        .filter(i -> ids[i] >= 0)
        .mapToObj(i -> "\"" + keys.get(i) + "\": " + ids[i] + ", ")
        .collect(Collectors.joining());
  }

  private static long dim(TensorSource tensors, String where, String name, int dim, int rank)
      throws CheckpointException {
    if (!tensors.names().contains(name)) {
      throw CheckpointException.of(
          "gguf: tensor " + CheckpointException.quote(name) + " is missing",
          where,
          "the file is incomplete or of another model: download it again");
    }
    Shape shape = tensors.tensor(name).shape();
    if (shape.rank() != rank) {
      throw CheckpointException.of(
          "gguf: tensor "
              + CheckpointException.quote(name)
              + ", expected "
              + rank
              + " dimensions, got "
              + shape,
          where,
          "use a file that was converted from Qwen2.5-VL");
    }
    return shape.dim(dim);
  }

  private static List<Double> channels(GgufMetadata vision, String key, List<Double> usual)
      throws CheckpointException {
    if (!vision.has(key)) {
      return usual;
    }
    double[] values = vision.numbers(key, 3);
    if (values.length != 3 || Arrays.stream(values).anyMatch(v -> !(Math.abs(v) <= 1e3))) {
      throw vision.error(key, "three numbers up to 1000", Arrays.toString(values));
    }
    return Arrays.stream(values).boxed().toList();
  }

  private static String architecture(GgufMetadata metadata) throws CheckpointException {
    String architecture = metadata.architecture();
    return architecture.isEmpty() ? "no such key" : CheckpointException.quote(architecture);
  }
}
