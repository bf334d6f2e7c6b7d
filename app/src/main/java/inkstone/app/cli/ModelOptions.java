package inkstone.app.cli;

import java.nio.file.Files;
import java.nio.file.Path;
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

  /** The folder as given, or null for the embedded model. */
  String given() {
    return model;
  }

  /** The folder to open. */
  Path resolve(Cli cli) throws Failure {
    if (model == null) {
      return cli.defaultModel();
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
              + " text_encoder");
    }
    return path;
  }
}
