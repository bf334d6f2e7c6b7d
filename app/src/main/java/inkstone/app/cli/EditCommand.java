package inkstone.app.cli;

import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.RefCache;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

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

  @Mixin private ReferenceOptions references;

  @Mixin private RunOptions options;

  @Mixin private RefCacheOptions refCache;

  EditCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    PictureRun run = new PictureRun(cli, "edit", options);
    References pictures =
        references.resolve("edit", "add -r FILE; generate makes a picture from words alone");
    OutputSize size = options.shape.resolve(pictures.paths().size(), run::warn);
    RefCache reuse = refCache.resolve();
    run.execute(
        pictures,
        reuse,
        (engine, ask) ->
            engine.edit(
                new EditRequest(
                    ask.prompt(),
                    ask.negativePrompt(),
                    ask.pictures(),
                    size,
                    ask.sampling(),
                    ask.tiling(),
                    reuse),
                ask.listener(),
                cli.jobs().cancelToken()));
    return ExitCode.DONE;
  }
}
