package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * {@code vae/config.json} of an AutoencoderKLQwenImage.
 *
 * @param baseDim channels of the first stage
 * @param zDim latent channels
 * @param dimMult channels of each stage, in multiples of baseDim
 * @param numResBlocks residual blocks of a stage
 * @param attnScales scales at which a stage has attention; none in published models
 * @param temperalDownsample for each stage but the last, whether it also halves time; the spelling
 *     is diffusers'
 * @param inputChannels channels of a picture
 * @param latentsMean mean of each latent channel
 * @param latentsStd standard deviation of each latent channel
 */
public record VaeConfig(
    int baseDim,
    int zDim,
    List<Integer> dimMult,
    int numResBlocks,
    List<Double> attnScales,
    List<Boolean> temperalDownsample,
    int inputChannels,
    List<Float> latentsMean,
    List<Float> latentsStd) {

  /** The autoencoder of Qwen-Image and all its edit models. */
  public static final VaeConfig QWEN_IMAGE =
      new VaeConfig(
          96,
          16,
          List.of(1, 2, 4, 4),
          2,
          List.of(),
          List.of(false, true, true),
          3,
          List.of(
              -0.7571f, -0.7089f, -0.9113f, 0.1075f, -0.1745f, 0.9653f, -0.1517f, 1.5508f, 0.4134f,
              -0.0715f, 0.5517f, -0.3632f, -0.1922f, -0.9497f, 0.2503f, -0.2921f),
          List.of(
              2.8184f, 1.4541f, 2.3275f, 2.6558f, 1.2196f, 1.7708f, 2.6052f, 2.0743f, 3.2687f,
              2.1526f, 2.8652f, 1.5579f, 1.6382f, 1.1253f, 2.8251f, 1.9160f));

  public VaeConfig {
    dimMult = List.copyOf(dimMult);
    attnScales = List.copyOf(attnScales);
    temperalDownsample = List.copyOf(temperalDownsample);
    latentsMean = List.copyOf(latentsMean);
    latentsStd = List.copyOf(latentsStd);
  }

  /** Pixels per latent along one side. */
  public int spatialCompression() {
    return 1 << temperalDownsample.size();
  }

  /** Reads config.json from its path, from {@code vae/}, or from the model's folder. */
  public static VaeConfig read(Path folderOrFile) throws CheckpointException {
    return of(ConfigFiles.read(folderOrFile, "vae", "config.json"));
  }

  /** Reads the text of a config.json. */
  public static VaeConfig parse(String json, String where) throws CheckpointException {
    return of(ConfigFiles.parse(json, where));
  }

  private static VaeConfig of(Json config) throws CheckpointException {
    VaeConfig standard = QWEN_IMAGE;
    ConfigFiles.requireString(config, "_class_name", "AutoencoderKLQwenImage");
    List<Integer> dimMult = ConfigFiles.ints(config, "dim_mult", standard.dimMult, 1, 8, 1, 64);
    int zDim = config.integer("z_dim", standard.zDim, 1, 1024);
    List<Double> attnScales = new ArrayList<>();
    if (config.has("attn_scales")) {
      for (Json scale : ConfigFiles.items(config, "attn_scales", 0, 8)) {
        attnScales.add(scale.asDouble());
      }
    }
    List<Boolean> downsample = standard.temperalDownsample;
    if (config.has("temperal_downsample")) {
      downsample = new ArrayList<>();
      for (Json flag : ConfigFiles.items(config, "temperal_downsample", 0, 7)) {
        downsample.add(flag.asBoolean());
      }
    }
    if (downsample.size() != dimMult.size() - 1) {
      throw config.errorAt(
          "temperal_downsample",
          (dimMult.size() - 1) + " values, one fewer than dim_mult",
          downsample);
    }
    return new VaeConfig(
        config.integer("base_dim", standard.baseDim, 1, 4096),
        zDim,
        dimMult,
        config.integer("num_res_blocks", standard.numResBlocks, 1, 64),
        attnScales,
        downsample,
        config.integer("input_channels", standard.inputChannels, 1, 64),
        ConfigFiles.floats(config, "latents_mean", standard.latentsMean, zDim, -1e6, 1e6),
        ConfigFiles.floats(config, "latents_std", standard.latentsStd, zDim, 1e-6, 1e6));
  }
}
