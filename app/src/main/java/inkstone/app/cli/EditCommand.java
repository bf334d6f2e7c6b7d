package inkstone.app.cli;

import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.OutputSize;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Changes pictures by words. */
@Command(
    name = "edit",
    header = "Change pictures by words.",
    customSynopsis = "inkstone edit -r FILE [-r FILE]... -p TEXT [OPTION]...",
    sortOptions = false,
    footer = {
      "",
      "Examples:",
      "  inkstone edit -r scene.png -p \"Change the background to navy.\" -o out.png",
      "  inkstone edit -r a.png -r b.png --size ref:1 -o out.png \\",
      "      -p \"Put the heart of Picture 2 at the bottom right of Picture 1.\""
    })
final class EditCommand implements Callable<Integer> {
  private final Cli cli;

  @Option(
      names = {"-r", "--ref-image"},
      paramLabel = "FILE",
      description =
          "PNG or JPEG to work from; give several in order, they are Picture 1, Picture 2, ... in"
              + " the prompt")
  private List<String> references = new ArrayList<>();

  @Mixin private RunOptions options;

  EditCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    PictureRun run = new PictureRun(cli, "edit", options);
    if (references.isEmpty()) {
      throw Failure.usage(
          "edit needs a picture", "add -r FILE; generate makes a picture from words alone");
    }
    if (references.size() > EditRequest.MAX_REFERENCES) {
      throw Failure.usage(
          "-r: expected at most "
              + EditRequest.MAX_REFERENCES
              + " pictures, got "
              + references.size(),
          "leave some out");
    }
    OutputSize size = options.shape.resolve(references.size(), run::warn);
    run.execute(
        References.of(references),
        (engine, ask) ->
            engine.edit(
                new EditRequest(
                    ask.prompt(),
                    ask.negativePrompt(),
                    ask.pictures(),
                    size,
                    ask.sampling(),
                    ask.tiling()),
                ask.listener(),
                cli.jobs().cancelToken()));
    return ExitCode.DONE;
  }
}
