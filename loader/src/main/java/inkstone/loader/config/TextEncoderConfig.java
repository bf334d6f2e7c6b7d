package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;

/**
 * {@code text_encoder/config.json} of a Qwen2_5_VLForConditionalGeneration. Reads the flat layout
 * of transformers 4 and the nested one of transformers 5; where a file has both, the nested one
 * counts, as in transformers 5.
 *
 * @param text the language model
 * @param vision the vision tower
 * @param imageTokenId token that stands for a merged patch of a picture
 * @param videoTokenId token that stands for a merged patch of a video
 * @param visionStartTokenId token before a picture
 * @param visionEndTokenId token after a picture
 * @param tieWordEmbeddings whether the output layer is the embedding
 */
public record TextEncoderConfig(
    TextConfig text,
    VisionConfig vision,
    int imageTokenId,
    int videoTokenId,
    int visionStartTokenId,
    int visionEndTokenId,
    boolean tieWordEmbeddings) {

  /** Qwen2.5-VL-7B-Instruct, which all Qwen-Image models use. */
  public static final TextEncoderConfig QWEN_IMAGE =
      new TextEncoderConfig(
          TextConfig.QWEN_IMAGE,
          VisionConfig.QWEN_IMAGE,
          151_655,
          151_656,
          151_652,
          151_653,
          false);

  /** The same language model with another vision tower. */
  public TextEncoderConfig withVision(VisionConfig tower) {
    return new TextEncoderConfig(
        text,
        tower,
        imageTokenId,
        videoTokenId,
        visionStartTokenId,
        visionEndTokenId,
        tieWordEmbeddings);
  }

  /** Reads config.json from its path, from {@code text_encoder/}, or from the model's folder. */
  public static TextEncoderConfig read(Path folderOrFile) throws CheckpointException {
    return of(ConfigFiles.read(folderOrFile, "text_encoder", "config.json"));
  }

  /** Reads the text of a config.json. */
  public static TextEncoderConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  private static TextEncoderConfig of(Json config) throws CheckpointException {
    ConfigFiles.requireString(config, "model_type", "qwen2_5_vl");
    Json textJson = config.has("text_config") ? config.get("text_config") : config;
    TextConfig text = TextConfig.of(textJson);
    // A file without vision_config means transformers' defaults.
    VisionConfig vision =
        VisionConfig.of(
            config.has("vision_config")
                ? config.get("vision_config")
                : ConfigFiles.parse("{}", config.where()));
    if (vision.outHiddenSize() != text.hiddenSize()) {
      throw config.errorAt(
          "vision_config.out_hidden_size",
          "the text's hidden_size " + text.hiddenSize(),
          vision.outHiddenSize());
    }
    return new TextEncoderConfig(
        text,
        vision,
        token(config, "image_token_id", 151_655),
        token(config, "video_token_id", 151_656),
        token(config, "vision_start_token_id", 151_652),
        token(config, "vision_end_token_id", 151_653),
        config.flag("tie_word_embeddings", false) || textJson.flag("tie_word_embeddings", false));
  }

  private static int token(Json config, String key, int fallback) throws CheckpointException {
    return config.integer(key, fallback, 0, 16_000_000);
  }
}
