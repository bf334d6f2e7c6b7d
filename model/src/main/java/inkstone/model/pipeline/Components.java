package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.InkstoneConfig;
import inkstone.loader.config.ModelIndex;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.model.dit.QwenImageTransformer;
import inkstone.model.schedule.FlowMatchEuler;
import inkstone.model.text.QwenTokenizer;
import inkstone.model.text.TextEncoder;
import inkstone.model.text.VisionTower;
import inkstone.model.vae.LatentStats;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
import inkstone.ops.Compute;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * Everything that one model folder holds, built on mapped weights that live as long as this does.
 * The vision tower and the VAE encoder are built for classes that edit only.
 */
final class Components implements AutoCloseable {
  final TensorArena arena = TensorArena.open("weights");
  final PipelineClass pipelineClass;
  final InkstoneConfig areas;
  final SchedulerConfig scheduler;
  final TransformerConfig transformerConfig;
  final VaeConfig vaeConfig;
  final PromptEncoder promptEncoder;
  final QwenImageTransformer transformer;

  /** Changes with the transformer's files. */
  final String transformerDigest;

  final LatentCodec codec;
  final ContentCache cache;

  Components(Compute compute, Path folder, long cacheBytes) throws CheckpointException {
    boolean built = false;
    cache = new ContentCache(cacheBytes);
    try {
      requireFolder(folder);
      ModelIndex index = ModelIndex.read(folder.resolve("model_index.json"));
      pipelineClass = pipelineClass(index, folder);
      areas = InkstoneConfig.read(folder);
      scheduler = SchedulerConfig.read(folder.resolve("scheduler"));
      FlowMatchEuler.requireSupported(scheduler);

      TextEncoderConfig textConfig = TextEncoderConfig.read(folder.resolve("text_encoder"));
      Weights textWeights = Weights.open(arena, folder.resolve("text_encoder"));
      promptEncoder =
          new PromptEncoder(
              QwenTokenizer.read(folder.resolve("tokenizer")),
              new TextEncoder(compute, textConfig, textWeights),
              pipelineClass.edits() ? new VisionTower(compute, textConfig, textWeights) : null,
              pipelineClass.edits() ? ProcessorConfig.read(folder.resolve("processor")) : null,
              cache);

      transformerConfig = TransformerConfig.read(folder.resolve("transformer"));
      transformer =
          new QwenImageTransformer(
              compute, transformerConfig, Weights.open(arena, folder.resolve("transformer")));

      transformerDigest = Digests.ofFiles(folder.resolve("transformer"));

      vaeConfig = VaeConfig.read(folder.resolve("vae"));
      requireSameLatents(folder);
      Weights vaeWeights = Weights.open(arena, folder.resolve("vae"));
      codec =
          new LatentCodec(
              pipelineClass.edits() ? new VaeEncoder(compute, arena, vaeConfig, vaeWeights) : null,
              new VaeDecoder(compute, arena, vaeConfig, vaeWeights),
              new LatentStats(vaeConfig),
              vaeConfig.zDim(),
              vaeConfig.spatialCompression());
      requireSameText(folder, textConfig);
      built = true;
    } catch (IllegalArgumentException e) {
      // A configuration that no class here implements; its message names the key.
      throw new CheckpointException("model: " + folder + ": " + e.getMessage(), e);
    } finally {
      if (!built) {
        close();
      }
    }
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

  private static PipelineClass pipelineClass(ModelIndex index, Path folder)
      throws CheckpointException {
    for (PipelineClass candidate : PipelineClass.values()) {
      if (candidate.name().equals(index.className())) {
        return candidate;
      }
    }
    throw new CheckpointException(
        folder.resolve("model_index.json")
            + ": _class_name is "
            + index.className()
            + ", expected one of "
            + Arrays.toString(PipelineClass.values())
            + "; this folder holds another kind of model");
  }

  private void requireSameLatents(Path folder) throws CheckpointException {
    if (vaeConfig.inputChannels() != 3) {
      throw new CheckpointException(
          folder.resolve("vae/config.json")
              + ": input_channels is "
              + vaeConfig.inputChannels()
              + ", expected 3 (red, green, blue); models of layers with transparency are not"
              + " supported");
    }
    int patch = transformerConfig.patchSize();
    if (patch != 2
        || transformerConfig.inChannels() != 4 * vaeConfig.zDim()
        || transformerConfig.outChannels() != vaeConfig.zDim()) {
      throw new CheckpointException(
          folder.resolve("transformer/config.json")
              + ": patch_size "
              + patch
              + ", in_channels "
              + transformerConfig.inChannels()
              + ", out_channels "
              + transformerConfig.outChannels()
              + " do not fit the VAE, expected 2, "
              + 4 * vaeConfig.zDim()
              + ", "
              + vaeConfig.zDim()
              + "; take both folders from one model");
    }
  }

  private void requireSameText(Path folder, TextEncoderConfig text) throws CheckpointException {
    if (transformerConfig.jointAttentionDim() != text.text().hiddenSize()) {
      throw new CheckpointException(
          folder.resolve("transformer/config.json")
              + ": joint_attention_dim is "
              + transformerConfig.jointAttentionDim()
              + ", expected the text encoder's hidden_size "
              + text.text().hiddenSize()
              + "; take both folders from one model");
    }
  }

  @Override
  public void close() {
    cache.close();
    arena.close();
  }
}
