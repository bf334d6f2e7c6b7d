package inkstone.model.convert;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.config.ModelIndex;
import inkstone.loader.form.PartKind;
import inkstone.loader.form.PartSource;
import inkstone.loader.gguf.GgufFile;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.memory.TensorArena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A network to read.
 *
 * @param name folder of the network in a whole model, else the file's name
 * @param path as it was given, or below the model's folder
 * @param kind what it is, or null when it is unknown
 * @param source its tensors, under diffusers' names where it is known
 * @param metadata of a GGUF file, or null
 * @param markedTimestepZero whether the file says that references are modulated as at timestep 0
 */
record Input(
    String name,
    Path path,
    PartKind kind,
    TensorSource source,
    GgufMetadata metadata,
    boolean markedTimestepZero) {
  static final String INDEX = "model_index.json";

  /** Whether a path is a whole model. */
  static boolean isModel(Path path) {
    return Files.isRegularFile(path.resolve(INDEX));
  }

  /** All networks of a model folder; or the one of a folder, an index or a file. */
  static List<Input> open(TensorArena arena, Path path) throws CheckpointException {
    if (!isModel(path)) {
      return List.of(open(arena, path.toAbsolutePath().getFileName().toString(), path));
    }
    List<Input> inputs = new ArrayList<>();
    for (String part : ModelIndex.read(path).components().keySet()) {
      if (List.of("text_encoder", "transformer", "vae").contains(part)) {
        inputs.add(open(arena, part, path.resolve(part)));
      }
    }
    if (inputs.isEmpty()) {
      throw CheckpointException.of(
          "convert: expected a transformer, text encoder or VAE in " + INDEX + ", got none",
          CheckpointException.quote(path),
          "give the folder of a Qwen-Image model, or a file of weights");
    }
    return inputs;
  }

  private static Input open(TensorArena arena, String name, Path path) throws CheckpointException {
    TensorSource source = Weights.source(arena, path);
    Map<PartKind, String> found = PartKind.of(source.names());
    GgufMetadata metadata = source instanceof GgufFile file ? file.typed() : null;
    if (found.containsKey(PartKind.LORA)) {
      throw CheckpointException.of(
          "convert: expected the weights of a network, got a LoRA",
          CheckpointException.quote(path),
          "a LoRA is used as it is, with --lora");
    }
    if (found.isEmpty()) {
      return new Input(name, path, null, source, metadata, false);
    }
    // A text encoder's file may hold the vision tower too; it stays with it.
    PartKind kind = found.keySet().iterator().next();
    if (found.containsKey(PartKind.TRANSFORMER) && found.size() > 1) {
      throw CheckpointException.of(
          "convert: expected the weights of one network, got " + PartKind.describe(source.names()),
          CheckpointException.quote(path),
          "give files with one network each");
    }
    PartSource part = PartSource.of(source, kind, found.get(kind));
    return new Input(name, path, kind, part, metadata, part.marksTimestepZero());
  }

  /** Whether the tensors have the names of llama.cpp's converter. */
  boolean isLlamaCpp() {
    return source.names().contains("token_embd.weight")
        || source.names().contains("v.patch_embd.weight");
  }

  /** Class in the network's config.json; empty when it is of no known kind. */
  String className() {
    return switch (kind) {
      case null -> "";
      case TRANSFORMER -> "QwenImageTransformer2DModel";
      case TEXT_ENCODER, VISION_TOWER -> "Qwen2_5_VLForConditionalGeneration";
      case VAE -> "AutoencoderKLQwenImage";
      case LORA -> throw new IllegalStateException("Input: a LoRA; give a network");
    };
  }
}
