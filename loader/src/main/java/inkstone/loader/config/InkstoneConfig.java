package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;

/**
 * {@code inkstone.json}: two areas that diffusers has as constants. Published models have no such
 * file and get {@link #QWEN_IMAGE}.
 *
 * @param vaeImageArea pixels of a reference picture for the VAE, and of a default output
 * @param conditionImageArea pixels of a reference picture for the text encoder
 */
public record InkstoneConfig(long vaeImageArea, long conditionImageArea) {
  private static final long MAX_AREA = 1L << 30;

  /** The constants of diffusers' Qwen-Image pipelines. */
  public static final InkstoneConfig QWEN_IMAGE = new InkstoneConfig(1024 * 1024, 384 * 384);

  /** Reads the file from its path or from the model's folder; {@link #QWEN_IMAGE} when absent. */
  public static InkstoneConfig read(Path folderOrFile) throws CheckpointException {
    Path file = ConfigFiles.find(folderOrFile, "", "inkstone.json");
    return file == null ? QWEN_IMAGE : of(ConfigFiles.read(file, ""));
  }

  /** Reads the text of an inkstone.json. */
  public static InkstoneConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  static InkstoneConfig of(Json config) throws CheckpointException {
    return new InkstoneConfig(
        config.whole("vae_image_area", QWEN_IMAGE.vaeImageArea, 1024, MAX_AREA),
        config.whole("condition_image_area", QWEN_IMAGE.conditionImageArea, 1024, MAX_AREA));
  }
}
