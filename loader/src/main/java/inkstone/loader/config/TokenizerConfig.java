package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code tokenizer/tokenizer_config.json}, as transformers 4 ({@code added_tokens_decoder}, {@code
 * additional_special_tokens}) and 5 ({@code extra_special_tokens}) write it.
 *
 * @param tokenizerClass such as Qwen2Tokenizer
 * @param addPrefixSpace whether a text starts as after a space
 * @param bosToken null for none
 * @param eosToken null for none
 * @param padToken null for none
 * @param unkToken null for none
 * @param modelMaxLength longest text in tokens; writers store 10³⁰ for "no limit", read as {@link
 *     Long#MAX_VALUE}
 * @param splitSpecialTokens whether special tokens in a text are split like other text
 * @param specialTokens special tokens beyond the named ones
 * @param addedTokens added tokens by id; empty in files of transformers 5, which keep them in
 *     tokenizer.json
 */
public record TokenizerConfig(
    String tokenizerClass,
    boolean addPrefixSpace,
    String bosToken,
    String eosToken,
    String padToken,
    String unkToken,
    long modelMaxLength,
    boolean splitSpecialTokens,
    List<String> specialTokens,
    Map<Integer, AddedToken> addedTokens) {

  /**
   * A token that is found in a text before it is split into words.
   *
   * @param lstrip whether white space before it belongs to it
   * @param rstrip whether white space after it belongs to it
   * @param normalized whether it is searched in the normalised text
   * @param singleWord whether it counts only as a whole word
   * @param special whether decoding may skip it
   */
  public record AddedToken(
      String content,
      boolean lstrip,
      boolean rstrip,
      boolean normalized,
      boolean singleWord,
      boolean special) {}

  /** The tokenizer of Qwen-Image, without its list of added tokens. */
  public static final TokenizerConfig QWEN_IMAGE =
      new TokenizerConfig(
          "Qwen2Tokenizer",
          false,
          null,
          "<|im_end|>",
          "<|endoftext|>",
          null,
          131_072,
          false,
          List.of(
              "<|im_start|>",
              "<|im_end|>",
              "<|object_ref_start|>",
              "<|object_ref_end|>",
              "<|box_start|>",
              "<|box_end|>",
              "<|quad_start|>",
              "<|quad_end|>",
              "<|vision_start|>",
              "<|vision_end|>",
              "<|vision_pad|>",
              "<|image_pad|>",
              "<|video_pad|>"),
          Map.of());

  public TokenizerConfig {
    specialTokens = List.copyOf(specialTokens);
    addedTokens = Collections.unmodifiableMap(new TreeMap<>(addedTokens));
  }

  /** Reads the file from its path, from {@code tokenizer/}, or from the model's folder. */
  public static TokenizerConfig read(Path folderOrFile) throws CheckpointException {
    return of(ConfigFiles.read(folderOrFile, "tokenizer", "tokenizer_config.json"));
  }

  /** Reads the text of a tokenizer_config.json. */
  public static TokenizerConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  private static TokenizerConfig of(Json config) throws CheckpointException {
    ConfigFiles.requireString(
        config,
        "tokenizer_class",
        "Qwen2Tokenizer",
        "Qwen2TokenizerFast",
        "TokenizersBackend",
        "PreTrainedTokenizerFast");
    return new TokenizerConfig(
        config.string("tokenizer_class", "Qwen2Tokenizer"),
        config.flag("add_prefix_space", false),
        token(config, "bos_token", null),
        token(config, "eos_token", "<|endoftext|>"),
        token(config, "pad_token", "<|endoftext|>"),
        token(config, "unk_token", null),
        maxLength(config),
        config.flag("split_special_tokens", false),
        specialTokens(config),
        addedTokens(config));
  }

  /** A token is a string, or an object with its content; null means that there is none. */
  private static String token(Json config, String key, String fallback) throws CheckpointException {
    if (!config.declares(key)) {
      return fallback;
    }
    return config.has(key) ? content(config.get(key)) : null;
  }

  private static String content(Json token) throws CheckpointException {
    return token.isObject() ? token.get("content").asString() : token.asString();
  }

  private static long maxLength(Json config) throws CheckpointException {
    if (!config.has("model_max_length")) {
      return Long.MAX_VALUE;
    }
    return (long) config.get("model_max_length").asDouble(1, 1e38);
  }

  private static List<String> specialTokens(Json config) throws CheckpointException {
    List<String> tokens = new ArrayList<>();
    for (String key : List.of("additional_special_tokens", "extra_special_tokens")) {
      if (!config.has(key)) {
        continue;
      }
      Json list = config.get(key);
      // transformers 4 also knows an object here, from role to token.
      for (Json token : list.isObject() ? list.fields().values() : list.items()) {
        tokens.add(content(token));
      }
    }
    return tokens;
  }

  private static Map<Integer, AddedToken> addedTokens(Json config) throws CheckpointException {
    Map<Integer, AddedToken> tokens = new TreeMap<>();
    if (!config.has("added_tokens_decoder")) {
      return tokens;
    }
    for (Map.Entry<String, Json> entry : config.get("added_tokens_decoder").fields().entrySet()) {
      Json token = entry.getValue();
      if (!entry.getKey().matches("0|[1-9][0-9]{0,7}")) {
        throw token.error("a token number as key", "another key");
      }
      boolean special = token.flag("special", false);
      tokens.put(
          Integer.parseInt(entry.getKey()),
          new AddedToken(
              token.get("content").asString(),
              token.flag("lstrip", false),
              token.flag("rstrip", false),
              token.flag("normalized", !special),
              token.flag("single_word", false),
              special));
    }
    return tokens;
  }
}
