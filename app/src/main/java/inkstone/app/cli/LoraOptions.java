package inkstone.app.cli;

import inkstone.loader.CheckpointException;
import inkstone.model.lora.Lightning;
import inkstone.model.lora.LoraFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import picocli.CommandLine.Option;

/** LoRA files beside the model. */
final class LoraOptions {
  /**
   * What stands behind a path's last colon when it is a scale; anything else belongs to the path.
   */
  private static final Pattern NUMBER =
      Pattern.compile("[-+]?([0-9.]+([eE][-+]?[0-9]+)?|NaN|Infinity)");

  @Option(
      names = "--lora",
      paramLabel = "PATH[:SCALE]",
      description =
          "LoRA, LoHa or LoKr of Qwen-Image, with a factor (default: 1); can be given several times."
              + " Qwen-Image-Lightning also sets steps, shift and guidance that are not given")
  private List<String> loras = new ArrayList<>();

  /**
   * The checked option.
   *
   * @param preset what a Lightning LoRA among them sets, or null
   * @param presetFile the name of that LoRA's file, or null
   */
  record Resolved(List<LoraFile> files, Lightning preset, String presetFile) {
    static final Resolved NONE = new Resolved(List.of(), null, null);
  }

  Resolved resolve() throws Failure, CheckpointException {
    List<LoraFile> files = new ArrayList<>();
    Lightning preset = null;
    String presetFile = null;
    for (String text : loras) {
      LoraFile file = parse(text);
      files.add(file);
      Optional<Lightning> found = Lightning.of(file.path());
      if (preset == null && found.isPresent()) {
        preset = found.get();
        presetFile = file.path().getFileName().toString();
      }
    }
    return new Resolved(List.copyOf(files), preset, presetFile);
  }

  /** A file of that very name wins over a scale. */
  private static LoraFile parse(String text) throws Failure {
    int colon = text.lastIndexOf(':');
    boolean scaled = colon > 0 && NUMBER.matcher(text.substring(colon + 1)).matches();
    if (!scaled || isFile(text)) {
      return new LoraFile(file(text), 1);
    }
    double scale =
        Numbers.real(
            "--lora scale", text.substring(colon + 1), -LoraFile.MAX_SCALE, LoraFile.MAX_SCALE);
    return new LoraFile(file(text.substring(0, colon)), scale);
  }

  private static boolean isFile(String text) throws Failure {
    return Files.isRegularFile(Paths.of("--lora", text));
  }

  private static Path file(String text) throws Failure {
    if (text.isBlank()) {
      throw Failure.model("--lora: it is empty", "give the path of a safetensors file");
    }
    Path path = Paths.of("--lora", text);
    if (!Files.exists(path)) {
      throw Failure.model(
          "--lora: no such file: " + text,
          "check the path; a scale goes behind a colon, as in FILE:0.8");
    }
    if (Files.isDirectory(path)) {
      throw Failure.model(
          "--lora: a folder, not a file: " + text, "give the safetensors file in it");
    }
    return path;
  }
}
