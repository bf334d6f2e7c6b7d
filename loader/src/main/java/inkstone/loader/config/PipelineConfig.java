package inkstone.loader.config;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;

/**
 * What a model folder says outside its networks, for a diffusion model that is one file: the object
 * {@code inkstone} inside the config text of its metadata. Each key may be absent: {@code
 * pipeline}, {@code vae_image_area}, {@code condition_image_area}, {@code scheduler} and {@code
 * processor}, the last two with the content of the folder's files.
 *
 * @param pipeline such as QwenImageEditPlusPipeline; null when not said
 */
public record PipelineConfig(
    String pipeline, InkstoneConfig areas, SchedulerConfig scheduler, ProcessorConfig processor) {

  /** The published values. */
  public static final PipelineConfig QWEN_IMAGE =
      new PipelineConfig(
          null, InkstoneConfig.QWEN_IMAGE, SchedulerConfig.QWEN_IMAGE, ProcessorConfig.QWEN_IMAGE);

  /** The same with another processor. */
  public PipelineConfig withProcessor(ProcessorConfig other) {
    return new PipelineConfig(pipeline, areas, scheduler, other);
  }

  /** Reads the config text of a diffusion model; {@link #QWEN_IMAGE} for what it does not say. */
  public static PipelineConfig parse(String json, String where) throws CheckpointException {
    Json config = ConfigFiles.parse(json, where);
    if (!config.has("inkstone")) {
      return QWEN_IMAGE;
    }
    Json own = config.get("inkstone");
    return new PipelineConfig(
        own.string("pipeline", null),
        InkstoneConfig.of(own),
        own.has("scheduler")
            ? SchedulerConfig.of(own.get("scheduler"))
            : SchedulerConfig.QWEN_IMAGE,
        own.has("processor")
            ? ProcessorConfig.of(own.get("processor"))
            : ProcessorConfig.QWEN_IMAGE);
  }
}
