package inkstone.loader;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.json.Json;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * MANIFEST.json tells of every golden file what it is and what made it; nothing is edited by hand.
 */
final class GoldenManifestTest {
  private static final long LIMIT_BYTES = 20_000_000;

  @Test
  void everyFileIsAsItWasMade() throws IOException, NoSuchAlgorithmException {
    Json manifest = Golden.json("MANIFEST.json");
    Map<String, Json> listed = manifest.get("files").fields();
    assertThat(listed).hasSizeGreaterThan(150);
    long total = 0;
    for (Map.Entry<String, Json> entry : listed.entrySet()) {
      byte[] content = Files.readAllBytes(Golden.path(entry.getKey()));
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
      assertThat(HexFormat.of().formatHex(digest))
          .as("sha256 of %s", entry.getKey())
          .isEqualTo(entry.getValue().get("sha256").asString());
      assertThat(entry.getValue().get("command").asString()).startsWith("python reference/");
      assertThat(
              manifest
                  .get("environments")
                  .get(entry.getValue().get("environment").asString())
                  .keys())
          .contains("python", "torch", "diffusers", "transformers", "numpy", "pillow");
      total += content.length;
    }
    assertThat(total).isLessThanOrEqualTo(LIMIT_BYTES);
  }

  @Test
  void noFileIsUnlisted() throws IOException {
    Path folder = Golden.path("");
    Set<String> found = new TreeSet<>();
    try (Stream<Path> files = Files.walk(folder)) {
      files
          .filter(Files::isRegularFile)
          .map(file -> folder.relativize(file).toString().replace('\\', '/'))
          .filter(name -> !name.equals("MANIFEST.json"))
          .forEach(found::add);
    }
    assertThat(found).isEqualTo(new TreeSet<>(Golden.json("MANIFEST.json").get("files").keys()));
  }
}
