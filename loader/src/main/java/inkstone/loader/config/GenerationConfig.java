package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;

/**
 * {@code text_encoder/generation_config.json}. Pictures need no generated text; only the special
 * tokens are kept.
 *
 * @param bosTokenId first token of a text
 * @param eosTokenIds tokens that end a text
 * @param padTokenId token that fills a batch
 */
public record GenerationConfig(
    OptionalInt bosTokenId, List<Integer> eosTokenIds, OptionalInt padTokenId) {

  private static final int MAX_TOKEN = 16_000_000;

  /** The text encoder of Qwen-Image. */
  public static final GenerationConfig QWEN_IMAGE =
      new GenerationConfig(
          OptionalInt.of(151_643), List.of(151_645, 151_643), OptionalInt.of(151_643));

  public GenerationConfig {
    eosTokenIds = List.copyOf(eosTokenIds);
  }

  /** Reads the file from its path, from {@code text_encoder/}, or from the model's folder. */
  public static GenerationConfig read(Path folderOrFile) throws CheckpointException {
    return of(ConfigFiles.read(folderOrFile, "text_encoder", "generation_config.json"));
  }

  /** Reads the text of a generation_config.json. */
  public static GenerationConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  private static GenerationConfig of(Json config) throws CheckpointException {
    List<Integer> eos = List.of();
    if (config.has("eos_token_id")) {
      eos =
          config.get("eos_token_id").isArray()
              ? ConfigFiles.ints(config, "eos_token_id", eos, 0, 256, 0, MAX_TOKEN)
              : List.of(config.get("eos_token_id").asInt(0, MAX_TOKEN));
    }
    return new GenerationConfig(token(config, "bos_token_id"), eos, token(config, "pad_token_id"));
  }

  private static OptionalInt token(Json config, String key) throws CheckpointException {
    return config.has(key)
        ? OptionalInt.of(config.get(key).asInt(0, MAX_TOKEN))
        : OptionalInt.empty();
  }
}
