package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import java.util.List;

/**
 * The vision tower of a Qwen2.5-VL config: {@code vision_config}.
 *
 * @param depth blocks
 * @param hiddenSize features of a patch
 * @param intermediateSize features inside the feed-forward network
 * @param numHeads attention heads
 * @param inChannels channels of a picture
 * @param patchSize pixels along the side of a patch
 * @param temporalPatchSize frames in a patch; a picture is repeated
 * @param spatialMergeSize patches along the side of a square that becomes one token
 * @param windowSize pixels along the side of an attention window
 * @param fullattBlockIndexes blocks whose attention sees the whole picture
 * @param outHiddenSize features of a token, those of the language model
 * @param ropeTheta base of the rotary frequencies
 * @param tokensPerSecond time steps of a second of video
 */
public record VisionConfig(
    int depth,
    int hiddenSize,
    int intermediateSize,
    int numHeads,
    int inChannels,
    int patchSize,
    int temporalPatchSize,
    int spatialMergeSize,
    int windowSize,
    List<Integer> fullattBlockIndexes,
    int outHiddenSize,
    double ropeTheta,
    int tokensPerSecond) {

  /** The vision tower of Qwen2.5-VL-7B-Instruct, which all Qwen-Image models use. */
  public static final VisionConfig QWEN_IMAGE =
      new VisionConfig(
          32, 1280, 3420, 16, 3, 14, 2, 2, 112, List.of(7, 15, 23, 31), 3584, 10_000, 2);

  public VisionConfig {
    fullattBlockIndexes = List.copyOf(fullattBlockIndexes);
  }

  /** Size of a head. */
  public int headDim() {
    return hiddenSize / numHeads;
  }

  /** Defaults are those of transformers' Qwen2_5_VLVisionConfig. */
  static VisionConfig of(Json config) throws CheckpointException {
    ConfigFiles.requireString(config, "model_type", "qwen2_5_vl_vision", "qwen2_5_vl");
    ConfigFiles.requireString(config, "hidden_act", "silu");
    int hiddenSize = config.integer("hidden_size", 3584, 1, 65_536);
    int heads = config.integer("num_heads", 16, 1, 1024);
    // Half a head turns with the row and half with the column, in pairs.
    if (hiddenSize % heads != 0 || hiddenSize / heads % 4 != 0) {
      throw config.errorAt("hidden_size", "a multiple of 4 * num_heads " + heads, hiddenSize);
    }
    int patchSize = config.integer("patch_size", 14, 1, 256);
    int mergeSize = config.integer("spatial_merge_size", 2, 1, 16);
    int windowSize = config.integer("window_size", 112, 1, 65_536);
    if (windowSize / mergeSize / patchSize < 1) {
      throw config.errorAt(
          "window_size",
          "patch_size * spatial_merge_size, " + patchSize * mergeSize + ", or more",
          windowSize);
    }
    // transformers 4 wrote in_chans beside in_channels.
    String channels = config.has("in_channels") ? "in_channels" : "in_chans";
    return new VisionConfig(
        config.integer("depth", 32, 1, 1024),
        hiddenSize,
        config.integer("intermediate_size", 3420, 1, 1_048_576),
        heads,
        config.integer(channels, 3, 1, 64),
        patchSize,
        config.integer("temporal_patch_size", 2, 1, 16),
        mergeSize,
        windowSize,
        ConfigFiles.ints(
            config, "fullatt_block_indexes", List.of(7, 15, 23, 31), 0, 1024, 0, 1 << 20),
        config.integer("out_hidden_size", 3584, 1, 65_536),
        RopeConfig.of(config, 10_000).theta(),
        config.integer("tokens_per_second", 4, 1, 65_536));
  }
}
