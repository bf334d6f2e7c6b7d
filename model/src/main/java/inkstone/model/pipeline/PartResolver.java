package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.config.InkstoneConfig;
import inkstone.loader.config.ModelIndex;
import inkstone.loader.config.PipelineConfig;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.form.PartKind;
import inkstone.loader.gguf.GgufConfigs;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Finds out what a model consists of, from headers and configs alone. */
final class PartResolver {
  private final ModelFiles files;
  private final TensorArena headers;

  private PartResolver(ModelFiles files, TensorArena headers) {
    this.files = files;
    this.headers = headers;
  }

  /**
   * @throws CheckpointException naming the file and what is wrong with it
   */
  static ModelParts resolve(ModelFiles files) throws CheckpointException {
    try (TensorArena headers = TensorArena.open("headers")) {
      return new PartResolver(files, headers).resolve();
    }
  }

  private ModelParts resolve() throws CheckpointException {
    // 1. What the folder is, where there is one
    Path folder = files.folder();
    PipelineClass said = null;
    if (folder != null) {
      requireFolder(folder);
      ModelIndex index = ModelIndex.read(folder.resolve("model_index.json"));
      said = pipelineClass(index.className(), folder.resolve("model_index.json"));
    }

    // 2. The networks
    PartFile.Open text = part(files.llm(), "text_encoder", PartKind.TEXT_ENCODER);
    PartFile.Open vision =
        files.llmVision() == null
            ? PartFile.beside(text, PartKind.VISION_TOWER)
            : PartFile.named(headers, files.llmVision(), PartKind.VISION_TOWER);
    TextEncoderConfig textConfig = PartConfig.text(text, vision);
    PartFile.Open transformer = part(files.diffusionModel(), "transformer", PartKind.TRANSFORMER);
    TransformerConfig transformerConfig = PartConfig.transformer(transformer);
    ZeroCondT.Choice zeroCondT = zeroCondT(transformer, transformerConfig);
    PartFile.Open vae = part(files.vae(), "vae", PartKind.VAE);

    // 3. What lies between them
    PipelineConfig settings =
        folder == null ? settings(transformer, vision) : settings(folder, said);
    PipelineClass pipeline = said;
    if (folder == null) {
      pipeline = settings.pipeline() == null ? null : pipelineClass(settings, transformer);
    }
    boolean blind = vision == null && files.llm() != null;
    boolean guessed = pipeline == null || blind && pipeline.edits();
    if (guessed) {
      pipeline =
          vision == null
              ? PipelineClass.QwenImagePipeline
              : PipelineClass.QwenImageEditPlusPipeline;
    }
    return new ModelParts(
        pipeline,
        noEdits(pipeline, guessed, text),
        settings,
        TokenizerChoice.of(files, text, textConfig.text()),
        text.file(),
        vision == null ? null : vision.file(),
        textConfig,
        transformer.file(),
        transformerConfig.withZeroCondT(zeroCondT.on()),
        zeroCondT,
        vae.file(),
        PartConfig.vae(vae));
  }

  private PartFile.Open part(Path named, String folderName, PartKind kind)
      throws CheckpointException {
    return named == null
        ? PartFile.inFolder(headers, files.folder().resolve(folderName), kind)
        : PartFile.named(headers, named, kind);
  }

  private static void requireFolder(Path folder) throws CheckpointException {
    if (!Files.isDirectory(folder)) {
      throw new CheckpointException(
          "model: "
              + folder
              + (Files.exists(folder) ? " is not a folder" : " does not exist")
              + "; -m takes a folder with a model_index.json, as Hugging Face lays it out");
    }
  }

  private static PipelineConfig settings(Path folder, PipelineClass pipeline)
      throws CheckpointException {
    return new PipelineConfig(
        pipeline.name(),
        InkstoneConfig.read(folder),
        SchedulerConfig.read(folder.resolve("scheduler")),
        pipeline.edits() ? ProcessorConfig.read(folder.resolve("processor")) : null);
  }

  private static PipelineConfig settings(PartFile.Open transformer, PartFile.Open vision)
      throws CheckpointException {
    String text = PartConfig.text(transformer.source());
    if (text != null) {
      return PipelineConfig.parse(text, transformer.source().where("") + ", metadata");
    }
    GgufMetadata mmproj = vision == null || !vision.llamaNames() ? null : vision.gguf();
    return mmproj == null
        ? PipelineConfig.QWEN_IMAGE
        : PipelineConfig.QWEN_IMAGE.withProcessor(GgufConfigs.processor(mmproj));
  }

  private static PipelineClass pipelineClass(PipelineConfig settings, PartFile.Open transformer)
      throws CheckpointException {
    return pipelineClass(settings.pipeline(), transformer.file().path());
  }

  private static PipelineClass pipelineClass(String name, Path where) throws CheckpointException {
    for (PipelineClass candidate : PipelineClass.values()) {
      if (candidate.name().equals(name)) {
        return candidate;
      }
    }
    throw new CheckpointException(
        CheckpointException.quote(where)
            + ": _class_name is "
            + CheckpointException.quote(name)
            + ", expected one of "
            + Arrays.toString(PipelineClass.values())
            + "; this folder holds another kind of model");
  }

  private static String noEdits(PipelineClass pipeline, boolean guessed, PartFile.Open text) {
    if (pipeline.edits()) {
      return null;
    }
    return guessed
        ? "vision tower: expected one for an edit, got a text encoder without ("
            + CheckpointException.quote(text.file().path())
            + "); add --llm-vision F, such as the mmproj file of Qwen2.5-VL"
        : "model: "
            + pipeline
            + " makes pictures from words only; use generate, or open an Edit model";
  }

  private ZeroCondT.Choice zeroCondT(PartFile.Open part, TransformerConfig config) {
    return switch (files.zeroCondT()) {
      case ON -> new ZeroCondT.Choice(true, "--zero-cond-t on");
      case OFF -> new ZeroCondT.Choice(false, "--zero-cond-t off");
      case AUTO ->
          ZeroCondT.said(part.source(), config, PartConfig.file(part.file().path()) != null);
    };
  }
}
