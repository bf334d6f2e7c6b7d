package inkstone.app.cli;

import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.ZeroCondT;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import picocli.CommandLine.Option;

/** Which model. */
final class ModelOptions {
  @Option(
      names = {"-m", "--model"},
      paramLabel = "DIR",
      description =
          "Hugging Face folder of Qwen-Image or Qwen-Image-Edit (default: the embedded"
              + " tiny-qwen-image-edit, which knows a toy world of coloured shapes)")
  private String model;

  @Option(
      names = "--diffusion-model",
      paramLabel = "FILE",
      description =
          "Transformer of its own, safetensors or GGUF: with --llm and --vae instead of -m, or in"
              + " place of that of -m")
  private String diffusionModel;

  @Option(
      names = "--llm",
      paramLabel = "FILE",
      description = "Qwen2.5-VL text encoder of its own, safetensors or GGUF")
  private String llm;

  @Option(
      names = "--llm-vision",
      paramLabel = "FILE",
      description =
          "Vision tower, where the file of --llm has none, such as the mmproj file beside a GGUF;"
              + " only edits need it")
  private String llmVision;

  @Option(
      names = "--vae",
      paramLabel = "FILE",
      description = "VAE of its own, in the names of diffusers or of Wan")
  private String vae;

  @Option(
      names = "--tokenizer",
      paramLabel = "DIR",
      description =
          "Folder with tokenizer.json, or vocab.json and merges.txt (default: the model's, one"
              + " beside --llm, or that of Qwen2.5)")
  private String tokenizer;

  @Option(
      names = "--zero-cond-t",
      paramLabel = "MODE",
      description =
          "auto (default: as the files say), on or off: modulate references as at timestep 0, as"
              + " Edit-2511 was trained")
  private String zeroCondT;

  /** Whether nothing was said of any part, so that the embedded model runs. */
  boolean embedded() {
    return model == null
        && diffusionModel == null
        && llm == null
        && llmVision == null
        && vae == null;
  }

  /** What was given, by the names under which it is stored; empty for the embedded model as is. */
  Map<String, String> given() {
    Map<String, String> given = new LinkedHashMap<>();
    put(given, "model", model);
    put(given, "diffusion_model", diffusionModel);
    put(given, "llm", llm);
    put(given, "llm_vision", llmVision);
    put(given, "vae", vae);
    put(given, "tokenizer", tokenizer);
    put(given, "zero_cond_t", zeroCondT);
    return given;
  }

  private static void put(Map<String, String> given, String key, String value) {
    if (value != null) {
      given.put(key, value);
    }
  }

  /** The files to open. */
  ModelFiles resolve(Cli cli) throws Failure {
    Path folder = embedded() ? cli.defaultModel() : folder();
    Path transformer = file("--diffusion-model", diffusionModel);
    Path text = file("--llm", llm);
    Path vision = file("--llm-vision", llmVision);
    Path decoder = file("--vae", vae);
    if (folder == null) {
      requireGiven("--diffusion-model", transformer);
      requireGiven("--llm", text);
      requireGiven("--vae", decoder);
    }
    Path words = file("--tokenizer", tokenizer);
    if (words != null && !Files.isDirectory(words)) {
      throw Failure.model(
          "--tokenizer: not a folder: " + tokenizer,
          "give the folder that holds tokenizer.json, or vocab.json and merges.txt");
    }
    return new ModelFiles(folder, transformer, text, vision, decoder, words, zeroCondT());
  }

  private ZeroCondT zeroCondT() throws Failure {
    return zeroCondT == null
        ? ZeroCondT.AUTO
        : ZeroCondT.valueOf(
            Numbers.word("--zero-cond-t", zeroCondT, "auto", "on", "off").toUpperCase(Locale.ROOT));
  }

  private Path folder() throws Failure {
    if (model == null) {
      return null;
    }
    if (model.isBlank()) {
      throw Failure.model("-m: it is empty", "give the model's folder, or leave -m out");
    }
    Path path = Paths.of("-m", model);
    if (!Files.exists(path)) {
      throw Failure.model(
          "-m: no such folder: " + model,
          "give a folder that holds model_index.json, or leave -m out for the embedded model");
    }
    if (!Files.isDirectory(path)) {
      throw Failure.model(
          "-m: not a folder: " + model,
          "give the Hugging Face folder that holds model_index.json, transformer, vae and"
              + " text_encoder; files of their own go to --diffusion-model, --llm and --vae");
    }
    return path;
  }

  private static Path file(String option, String value) throws Failure {
    if (value == null) {
      return null;
    }
    Path path = value.isBlank() ? null : Paths.of(option, value);
    if (path == null || !Files.exists(path)) {
      throw Failure.model(
          option + ": " + (path == null ? "it is empty" : "no such file: " + value),
          "check the path, or download the file");
    }
    return path;
  }

  private static void requireGiven(String option, Path path) throws Failure {
    if (path == null) {
      throw Failure.usage(
          option + " is missing: --diffusion-model, --llm and --vae go together",
          "add it, or give the folder of a whole model with -m");
    }
  }
}
