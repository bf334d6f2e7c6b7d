package inkstone.model.pipeline;

import inkstone.loader.Golden;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;

/** The smallest model folder there is, with another transformer config. */
final class TinyFolder {
  static final Path PLAIN = Golden.path("models/full");

  private TinyFolder() {}

  /**
   * A copy in {@code parent}.
   *
   * @param zeroCondT whether references are modulated as at t = 0
   * @param mask reference_mask: none or self
   */
  static Path copy(Path parent, boolean zeroCondT, String mask) throws IOException {
    Path folder = Files.createDirectories(parent.resolve(mask + "-" + zeroCondT));
    try (Stream<Path> parts = Files.walk(PLAIN)) {
      for (Path part : parts.toList()) {
        Path target = folder.resolve(PLAIN.relativize(part).toString());
        if (Files.isDirectory(part)) {
          Files.createDirectories(target);
        } else {
          Files.copy(part, target);
        }
      }
    }
    Path config = folder.resolve("transformer/config.json");
    String json = Files.readString(config).replaceAll("\\s*,\\s*\"zero_cond_t\": \\w+", "");
    Files.writeString(
        config,
        json.replaceFirst(
            "\\{", "{\"zero_cond_t\": " + zeroCondT + ", \"reference_mask\": \"" + mask + "\","));
    return folder;
  }
}
