package inkstone.model.pipeline;

import inkstone.loader.CheckpointException;
import inkstone.loader.TensorSource;
import inkstone.loader.config.ShapeConfigs;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.loader.gguf.GgufConfigs;
import inkstone.loader.gguf.GgufMetadata;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;

/**
 * How a part is configured: by config.json in its folder, else by a JSON text in the file's own
 * metadata, else by the shapes of its tensors.
 */
final class PartConfig {
  private static final String FILE = "config.json";

  /** What a config is read from. */
  @FunctionalInterface
  private interface Inferred<C> {
    C infer(TensorSource source) throws CheckpointException;
  }

  @FunctionalInterface
  private interface Parsed<C> {
    C parse(String json, String where) throws CheckpointException;
  }

  @FunctionalInterface
  private interface Read<C> {
    C read(Path file) throws CheckpointException;
  }

  private PartConfig() {}

  static TransformerConfig transformer(PartFile.Open part) throws CheckpointException {
    return of(part, TransformerConfig::read, TransformerConfig::parse, ShapeConfigs::transformer);
  }

  static VaeConfig vae(PartFile.Open part) throws CheckpointException {
    return of(part, VaeConfig::read, VaeConfig::parse, ShapeConfigs::vae);
  }

  /**
   * @param vision null when there is none
   */
  static TextEncoderConfig text(PartFile.Open part, PartFile.Open vision)
      throws CheckpointException {
    boolean llamaVision = vision != null && vision.llamaNames();
    GgufMetadata metadata = part.gguf();
    if (part.llamaNames() && metadata != null && text(part.source()) == null) {
      TextEncoderConfig config =
          GgufConfigs.textEncoder(
              metadata,
              part.source(),
              llamaVision ? vision.gguf() : null,
              llamaVision ? vision.source() : null);
      return vision == null || llamaVision
          ? config
          : config.withVision(
              of(
                  vision,
                  file -> TextEncoderConfig.read(file).vision(),
                  (json, where) -> TextEncoderConfig.parse(json, where).vision(),
                  ShapeConfigs::visionTower));
    }
    return of(
        part,
        TextEncoderConfig::read,
        TextEncoderConfig::parse,
        // An mmproj file is of the published tower.
        source ->
            ShapeConfigs.textEncoder(
                source, vision == null || llamaVision ? null : vision.source()));
  }

  private static <C> C of(PartFile.Open part, Read<C> read, Parsed<C> parse, Inferred<C> infer)
      throws CheckpointException {
    Path file = file(part.file().path());
    if (file != null) {
      return read.read(file);
    }
    String text = text(part.source());
    return text == null
        ? infer.infer(part.source())
        : parse.parse(text, part.source().where("") + ", metadata");
  }

  /** config.json beside the checkpoint of a component folder; null for a file of its own. */
  static Path file(Path part) {
    Path folder = Files.isDirectory(part) ? part : null;
    if (folder == null && part.getFileName().toString().endsWith(".json")) {
      folder = part.toAbsolutePath().getParent();
    }
    // A link that leads nowhere is a config that can't be read, not none.
    return folder != null && Files.exists(folder.resolve(FILE), LinkOption.NOFOLLOW_LINKS)
        ? folder.resolve(FILE)
        : null;
  }

  /** The config text in a file's metadata; null when it has none. */
  static String text(TensorSource source) {
    String own = source.metadata().get("inkstone.config");
    return own == null ? source.metadata().get("config") : own;
  }
}
