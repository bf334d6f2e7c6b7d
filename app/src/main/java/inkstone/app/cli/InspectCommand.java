package inkstone.app.cli;

import inkstone.model.inspect.Inspection;
import inkstone.model.inspect.Inspector;
import inkstone.model.inspect.LoraTarget;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Shows what a checkpoint holds, from its headers alone. */
@Command(
    name = "inspect",
    header = "Show what a model folder, a checkpoint or a LoRA holds.",
    sortOptions = false)
final class InspectCommand implements Callable<Integer> {
  private final Cli cli;

  @Parameters(
      paramLabel = "FILE|DIR",
      description =
          "A safetensors or GGUF file, an index of shards, the folder of one network, or a whole"
              + " model folder")
  private String target;

  @Option(
      names = {"-m", "--model"},
      paramLabel = "FILE|DIR",
      description =
          "Model that a LoRA is held against: its folder, or its transformer (default: the"
              + " published Qwen-Image)")
  private String model;

  @Option(names = "--tensors", description = "List every tensor, not groups of them")
  private boolean everyTensor;

  @Option(names = "--json", description = "One JSON object, with every tensor")
  private boolean json;

  @Mixin TraceOption trace;

  @Mixin HelpOption help;

  InspectCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    Path path = existing("inspect", target);
    LoraTarget against =
        model == null ? LoraTarget.PUBLISHED : LoraTarget.of(existing("-m", model));
    Inspection inspection = Inspector.inspect(path, against);
    if (json) {
      cli.out().println(JsonText.of(InspectJson.of(inspection)));
    } else {
      new InspectText(cli.out(), everyTensor).print(target, inspection);
    }
    return ExitCode.DONE;
  }

  private static Path existing(String what, String given) throws Failure {
    if (given.isBlank()) {
      throw Failure.usage(
          what + ": the path is empty", "give a model folder, a checkpoint or a LoRA");
    }
    Path path = Paths.of(what, given);
    if (Files.exists(path)) {
      return path;
    }
    if (Files.isSymbolicLink(path)) {
      throw Failure.usage(
          what + ": a link that leads nowhere: " + given,
          "give the file itself, or repair the link");
    }
    throw Failure.usage(
        what + ": no such file or folder: " + given, "give a model folder, a checkpoint or a LoRA");
  }
}
