package inkstone.model.inspect;

import inkstone.loader.CheckpointException;
import inkstone.loader.CheckpointFiles;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Under which licence files are.
 *
 * @param name as it is written there, such as apache-2.0
 * @param from key of the metadata, or file
 */
public record Licence(String name, String from) {
  private static final int README_BYTES = 65_536;
  private static final List<String> KEYS =
      List.of("general.license", "modelspec.license", "license", "licence");
  private static final Pattern FRONT_MATTER =
      Pattern.compile("\\A\\s*---\\R(.*?)\\R---\\s*?(?:\\R|\\z)", Pattern.DOTALL);
  // Possessive: a hostile line must not be tried in a billion ways.
  private static final Pattern LICENSE =
      Pattern.compile(
          "^license(?:_name)?: *+[\"']?+([^\"'\\r\\n]{1,100}+)[\"']?+ *+$", Pattern.MULTILINE);

  /** From the metadata of a file; null when it has none. */
  static Licence of(Map<String, String> metadata) {
    for (String key : KEYS) {
      String name = metadata.get(key);
      if (name != null && !name.isBlank()) {
        return new Licence(name.strip(), key);
      }
    }
    return null;
  }

  /** From the front matter of README.md in that folder; null when it says none. */
  static Licence of(Path folder) {
    if (folder == null) {
      return null;
    }
    Path readme = folder.resolve("README.md");
    try {
      CheckpointFiles.requireFile(readme);
      try (InputStream in = Files.newInputStream(readme)) {
        String text = new String(in.readNBytes(README_BYTES), StandardCharsets.UTF_8);
        Matcher front = FRONT_MATTER.matcher(text);
        Matcher licence = LICENSE.matcher(front.find() ? front.group(1) : "");
        return licence.find() ? new Licence(licence.group(1).strip(), "README.md") : null;
      }
    } catch (CheckpointException e) {
      return null; // There is no README.md.
    } catch (IOException e) {
      return null; // A licence that cannot be read is one that is not said.
    }
  }
}
