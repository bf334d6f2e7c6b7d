package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.InkstoneConfig;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.dit.QwenImageTransformer;
import inkstone.model.lora.LoraSet;
import inkstone.model.schedule.FlowMatchEuler;
import inkstone.model.text.TextEncoder;
import inkstone.model.text.VisionTower;
import inkstone.model.vae.LatentStats;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
import inkstone.ops.Compute;
import java.util.List;

/**
 * Everything that a model consists of. Its networks are built on mapped weights: for good when
 * memory suffices for all of them, else each for the stage that needs it. The vision tower and the
 * VAE encoder are built for classes that edit only.
 */
final class Components implements AutoCloseable {
  final TensorArena arena;
  final ModelParts parts;
  final PipelineClass pipelineClass;
  final InkstoneConfig areas;
  final SchedulerConfig scheduler;
  final TransformerConfig transformerConfig;
  final VaeConfig vaeConfig;
  final PromptEncoder promptEncoder;
  final Part<QwenImageTransformer> transformer;
  final LoraSet loras;
  final Part<VaeNetworks> vae;

  /** Whether the weights stay mapped between stages. */
  final boolean resident;

  /** Changes with the transformer's files. */
  final String transformerDigest;

  final LatentCodec codec;
  final ContentCache cache;
  final MemoryCheck memory;

  /**
   * @param arena of all weights; one that only counts opens the model without reading a weight
   * @param residentBytes of weights that may stay mapped
   */
  Components(
      Compute compute,
      ModelFiles files,
      EngineOptions options,
      TensorArena arena,
      long residentBytes)
      throws CheckpointException {
    boolean built = false;
    this.arena = arena;
    memory = new MemoryCheck(options.maxRamBytes());
    cache = new ContentCache(options.cacheBytes());
    try {
      parts = PartResolver.resolve(files);
      pipelineClass = parts.pipelineClass();
      boolean edits = pipelineClass.edits();
      areas = parts.settings().areas();
      scheduler = parts.settings().scheduler();
      FlowMatchEuler.requireSupported(scheduler);
      long bytes = parts.bytes().values().stream().mapToLong(Long::longValue).sum();
      resident = bytes <= residentBytes;

      TextEncoderConfig textConfig = parts.textConfig();
      ProcessorConfig processor = edits ? parts.settings().processor() : null;
      Part<TextNetworks> text =
          new Part<>(arena, "text_encoder", resident, at -> text(compute, at, edits));
      promptEncoder =
          new PromptEncoder(
              parts.tokenizer(), text, processor, cache, disk(compute, options, processor));

      transformerConfig = parts.transformerConfig();
      loras = LoraSet.open(arena, transformerConfig, options.loras());
      transformer =
          new Part<>(
              arena,
              "transformer",
              resident,
              at ->
                  new QwenImageTransformer(
                      compute, transformerConfig, parts.transformer().weights(at), loras));
      transformerDigest = Digests.ofFiles(parts.transformer().path());

      vaeConfig = parts.vaeConfig();
      ModelFit.requireSameLatents(parts);
      vae = new Part<>(arena, "vae", resident, at -> vae(compute, at, edits));
      codec =
          new LatentCodec(
              vae, new LatentStats(vaeConfig), vaeConfig.zDim(), vaeConfig.spatialCompression());
      ModelFit.requireSameText(parts, textConfig);
      built = true;
    } catch (IllegalArgumentException e) {
      // A configuration that no class here implements; its message names the key.
      throw new CheckpointException("model: " + files.shown() + ": " + e.getMessage(), e);
    } finally {
      if (!built) {
        close();
      }
    }
  }

  private DiskCache disk(Compute compute, EngineOptions options, ProcessorConfig processor) {
    PromptCache wish = options.promptCache();
    List<PartFile> files =
        parts.vision() == null || parts.vision().path().equals(parts.text().path())
            ? List.of(parts.text())
            : List.of(parts.text(), parts.vision());
    long bytes = files.stream().mapToLong(PartFile::bytes).sum();
    return wish.folder() == null || bytes < wish.minWeightBytes() || !arena.backed()
        ? DiskCache.OFF
        : new DiskCache(
            wish,
            () ->
                Digests.ofSamples(files.stream().flatMap(file -> file.files().stream()).toList())
                    + parts.textConfig()
                    + processor
                    + compute.describeKernels(),
            parts.textConfig().text().hiddenSize());
  }

  private TextNetworks text(Compute compute, TensorArena at, boolean edits)
      throws CheckpointException {
    TextEncoder encoder = new TextEncoder(compute, parts.textConfig(), parts.text().weights(at));
    return new TextNetworks(
        encoder, edits ? new VisionTower(compute, parts.textConfig(), visionWeights(at)) : null);
  }

  private Weights visionWeights(TensorArena at) throws CheckpointException {
    // Without one the tower says itself which tensor is missing.
    return (parts.vision() == null ? parts.text() : parts.vision()).weights(at);
  }

  private VaeNetworks vae(Compute compute, TensorArena at, boolean edits)
      throws CheckpointException {
    Weights weights = parts.vae().weights(at);
    return new VaeNetworks(
        edits ? new VaeEncoder(compute, at, parts.vaeConfig(), weights) : null,
        new VaeDecoder(compute, at, parts.vaeConfig(), weights));
  }

  @Override
  public void close() {
    cache.close();
    arena.close();
  }
}
