package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import java.util.List;

/**
 * The image half of {@code processor/}: {@code processor_config.json} (transformers 5, under {@code
 * image_processor}) or {@code preprocessor_config.json} (transformers 4, flat). As in transformers,
 * the nested one wins where both are there, and min_pixels and max_pixels win over size.
 *
 * @param imageMean mean of each channel after scaling to 0..1
 * @param imageStd standard deviation of each channel after scaling to 0..1
 * @param rescaleFactor what an 8-bit value is multiplied with
 * @param patchSize pixels along the side of a patch
 * @param mergeSize patches along the side of a square that becomes one token
 * @param temporalPatchSize frames in a patch; a picture is repeated
 * @param minPixels fewest pixels of a resized picture
 * @param maxPixels most pixels of a resized picture
 */
public record ProcessorConfig(
    List<Double> imageMean,
    List<Double> imageStd,
    double rescaleFactor,
    int patchSize,
    int mergeSize,
    int temporalPatchSize,
    long minPixels,
    long maxPixels) {

  private static final int BICUBIC = 3;

  /** The processor of the Qwen-Image edit models: CLIP's mean and deviation. */
  public static final ProcessorConfig QWEN_IMAGE =
      new ProcessorConfig(
          List.of(0.48145466, 0.4578275, 0.40821073),
          List.of(0.26862954, 0.26130258, 0.27577711),
          1 / 255.0,
          14,
          2,
          2,
          3136,
          12_845_056);

  public ProcessorConfig {
    imageMean = List.copyOf(imageMean);
    imageStd = List.copyOf(imageStd);
  }

  /** Pixels to which a resized side is a multiple. */
  public int factor() {
    return patchSize * mergeSize;
  }

  /** Reads either file from its path, from {@code processor/}, or from the model's folder. */
  public static ProcessorConfig read(Path folderOrFile) throws CheckpointException {
    Json config =
        ConfigFiles.read(
            folderOrFile, "processor", "processor_config.json", "preprocessor_config.json");
    if (!config.has("image_processor")) {
      // A processor_config.json of transformers 4 has no picture settings: they lie beside it.
      Path flat = ConfigFiles.find(folderOrFile, "processor", "preprocessor_config.json");
      if (flat != null) {
        config = ConfigFiles.read(flat, "");
      }
    }
    return of(config);
  }

  /** Reads the text of either file. */
  public static ProcessorConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  /** Defaults are those of transformers' Qwen2VLImageProcessor. */
  static ProcessorConfig of(Json root) throws CheckpointException {
    Json config = root.has("image_processor") ? root.get("image_processor") : root;
    ConfigFiles.requireString(
        config,
        "image_processor_type",
        "Qwen2VLImageProcessor",
        "Qwen2VLImageProcessorFast",
        "Qwen2VLImageProcessorPil");
    for (String key : List.of("do_resize", "do_rescale", "do_normalize")) {
      ConfigFiles.requireFlag(config, key, true);
    }
    if (config.integer("resample", BICUBIC, 0, 5) != BICUBIC) {
      throw config.get("resample").error("3 (bicubic), the only value supported");
    }
    long minPixels = 56 * 56;
    long maxPixels = 28 * 28 * 1280;
    if (config.has("size")) {
      Json size = config.get("size");
      minPixels = pixels(size, "shortest_edge", pixels(size, "min_pixels", minPixels));
      maxPixels = pixels(size, "longest_edge", pixels(size, "max_pixels", maxPixels));
    }
    minPixels = pixels(config, "min_pixels", minPixels);
    maxPixels = pixels(config, "max_pixels", maxPixels);
    if (minPixels > maxPixels) {
      throw config.error("min_pixels not above max_pixels", minPixels + " and " + maxPixels);
    }
    return new ProcessorConfig(
        ConfigFiles.doubles(config, "image_mean", QWEN_IMAGE.imageMean, 3, -1e3, 1e3),
        ConfigFiles.doubles(config, "image_std", QWEN_IMAGE.imageStd, 3, 1e-6, 1e3),
        config.number("rescale_factor", QWEN_IMAGE.rescaleFactor, 1e-6, 1e3),
        config.integer("patch_size", 14, 1, 256),
        config.integer("merge_size", 2, 1, 16),
        config.integer("temporal_patch_size", 2, 1, 16),
        minPixels,
        maxPixels);
  }

  private static long pixels(Json config, String key, long fallback) throws CheckpointException {
    return config.whole(key, fallback, 1, 1L << 40);
  }
}
