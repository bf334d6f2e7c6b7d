package inkstone.model.lora;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.memory.TensorArena;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A Qwen-Image-Lightning LoRA: distilled to few steps, without guidance, under a static shift of 3
 * and without a terminal stretch ({@code generate_with_diffusers.py} of Qwen-Image-Lightning).
 *
 * @param steps 4 or 8
 */
public record Lightning(int steps) {
  /** Static shift of its sigmas. */
  public static final double SHIFT = 3;

  /** No guidance. */
  public static final double CFG_SCALE = 1;

  /** Of the published names, such as Qwen-Image-Edit-2509-Lightning-4steps-V1.0-bf16. */
  private static final Pattern NAME =
      Pattern.compile("qwen[-_. ]?image.*lightning.*?(?<![0-9])([48])[-_ ]?steps?(?![a-z])");

  /** A longer text is no name. */
  private static final int MAX_NAME = 500;

  /**
   * Recognises a file: it holds a LoRA, and its metadata or its name says which. Its tensors don't:
   * those of 4 and of 8 steps have the same names and shapes.
   *
   * @throws CheckpointException when the file can't be read
   */
  public static Optional<Lightning> of(Path path) throws CheckpointException {
    try (TensorArena arena = TensorArena.open("lora header")) {
      Weights file = Weights.open(arena, path);
      return LoraMatch.looksLikeLora(file.names())
          ? of(String.valueOf(path.getFileName()), file.metadata())
          : Optional.empty();
    }
  }

  static Optional<Lightning> of(String fileName, Map<String, String> metadata) {
    for (String text : metadata.values()) {
      Optional<Lightning> found = named(text);
      if (found.isPresent()) {
        return found;
      }
    }
    return named(fileName);
  }

  private static Optional<Lightning> named(String text) {
    if (text.length() > MAX_NAME) {
      return Optional.empty();
    }
    Matcher matcher = NAME.matcher(text.toLowerCase(Locale.ROOT));
    return matcher.find()
        ? Optional.of(new Lightning(Integer.parseInt(matcher.group(1))))
        : Optional.empty();
  }
}
