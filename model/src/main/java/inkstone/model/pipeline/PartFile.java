package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.JoinedCheckpoint;
import inkstone.loader.TensorSource;
import inkstone.loader.Weights;
import inkstone.loader.form.PartKind;
import inkstone.loader.form.PartSource;
import inkstone.loader.gguf.GgufFile;
import inkstone.loader.gguf.GgufMetadata;
import inkstone.loader.gguf.TextNames;
import inkstone.loader.gguf.VisionNames;
import inkstone.memory.TensorArena;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/**
 * The checkpoint that holds a part of a model.
 *
 * @param path file, index, or folder with either
 * @param prefix what stands before the part's names in it
 * @param bytes of the part's tensors
 */
record PartFile(Path path, PartKind kind, String prefix, long bytes) {
  /** Signs of llama.cpp's names. */
  private static final String GGUF_TEXT = "token_embd.weight";

  private static final String GGUF_VISION = "v.patch_embd.weight";

  /** A part with its checkpoint open, to be looked at. */
  record Open(PartFile file, PartSource source) {
    /** Whether the names are llama.cpp's. */
    boolean llamaNames() {
      return source.names().contains(GGUF_TEXT) || source.names().contains(GGUF_VISION);
    }

    /** The typed metadata of a GGUF file; null for other files. */
    GgufMetadata gguf() {
      TensorSource stored = source.source();
      if (stored instanceof JoinedCheckpoint joined && !joined.files().isEmpty()) {
        stored = joined.files().getFirst();
      }
      return stored instanceof GgufFile gguf ? gguf.typed() : null;
    }
  }

  /** The part in a component folder of a model; its weights say themselves what does not fit. */
  static Open inFolder(TensorArena arena, Path folder, PartKind kind) throws CheckpointException {
    TensorSource source = Weights.source(arena, folder);
    return open(source, folder, kind, PartKind.of(source.names()).getOrDefault(kind, ""));
  }

  /**
   * The part in a file that the user named as holding it.
   *
   * @throws CheckpointException saying what the file is, when it holds no such part
   */
  static Open named(TensorArena arena, Path path, PartKind kind) throws CheckpointException {
    TensorSource source = Weights.source(arena, path);
    Map<PartKind, String> found = PartKind.of(source.names());
    String prefix = found.get(kind);
    if (prefix == null) {
      throw CheckpointException.of(
          kind.flag() + ": expected " + kind.words() + ", got " + PartKind.describe(source.names()),
          CheckpointException.quote(path),
          found.isEmpty()
              ? "give the " + kind.flag() + " file of a Qwen-Image model"
              : "give it with " + found.keySet().iterator().next().flag());
    }
    return open(source, path, kind, prefix);
  }

  /** The part of another kind in the same file; null when that has none. */
  static Open beside(Open open, PartKind kind) throws CheckpointException {
    TensorSource source = open.source.source();
    String prefix = PartKind.of(source.names()).get(kind);
    return prefix == null ? null : open(source, open.file.path, kind, prefix);
  }

  private static Open open(TensorSource source, Path path, PartKind kind, String prefix)
      throws CheckpointException {
    PartSource part = PartSource.of(source, kind, prefix);
    return new Open(new PartFile(path, kind, prefix, part.bytes()), part);
  }

  /** The files that hold it: shards lie beside their index. */
  List<Path> files() {
    boolean index = path.getFileName().toString().endsWith(".json");
    Path folder = index ? path.toAbsolutePath().getParent() : path;
    if (!Files.isDirectory(folder)) {
      return List.of(path);
    }
    try (Stream<Path> all = Files.list(folder)) {
      return all.filter(PartFile::holdsTensors).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static boolean holdsTensors(Path file) {
    String name = file.getFileName().toString();
    return name.endsWith(".safetensors") || name.endsWith(".gguf");
  }

  /** The weights, mapped as long as the arena lives. */
  Weights weights(TensorArena arena) throws CheckpointException {
    PartSource part = PartSource.of(Weights.source(arena, path), kind, prefix);
    if (part.names().contains(GGUF_TEXT)) {
      return TextNames.weights(part);
    }
    return part.names().contains(GGUF_VISION) ? VisionNames.weights(arena, part) : Weights.of(part);
  }
}
