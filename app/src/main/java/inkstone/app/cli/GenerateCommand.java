package inkstone.app.cli;

import inkstone.model.pipeline.GenerateRequest;
import inkstone.model.pipeline.OutputSize;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Makes a picture from words. */
@Command(
    name = "generate",
    header = "Make a picture from words.",
    customSynopsis = "inkstone generate -p TEXT [OPTION]...",
    sortOptions = false,
    footer = {
      "",
      "Example:",
      "  inkstone generate -p \"A red circle at the top left on a sky background.\" -o out.png"
    })
final class GenerateCommand implements Callable<Integer> {
  private final Cli cli;

  @Mixin private RunOptions options;

  GenerateCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    PictureRun run = new PictureRun(cli, "generate", options);
    OutputSize size = options.shape.resolve(0, run::warn);
    run.execute(
        References.none(),
        null,
        (engine, ask) ->
            engine.generate(
                new GenerateRequest(
                    ask.prompt(), ask.negativePrompt(), size, ask.sampling(), ask.tiling()),
                ask.listener(),
                cli.jobs().cancelToken()));
    return ExitCode.DONE;
  }
}
