package inkstone.app.cli;

import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.VaeTiling;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Measures what a policy of reuse costs in quality. */
@Command(
    name = "drift",
    header = "Measure what the reference cache costs in quality, for one edit.",
    customSynopsis = "inkstone drift -r FILE [-r FILE]... -p TEXT [OPTION]...",
    sortOptions = false,
    footer = {
      "",
      "Runs the edit four times: without reuse (and the policy beside it), with the policy,",
      "and two yardsticks. --ref-cache is anchored when it is not given.",
      "",
      "Example:",
      "  inkstone drift -r scene.png -p \"Remove the circle.\" --steps 8 -s 7 --report out/"
    })
final class DriftCommand implements Callable<Integer> {
  private final Cli cli;

  @Mixin private ReferenceOptions references;

  @Mixin private ContentOptions content;

  @Option(
      names = "--report",
      paramLabel = "DIR",
      description = "Folder to write report.json and pictures to (default: drift-report)")
  private String report = "drift-report";

  @Option(
      names = "--json",
      description = "One JSON event a line on standard output, the last but one is the report")
  private boolean json;

  @Option(
      names = {"-v", "--verbose"},
      description = "Tell more; errors with a stack trace")
  private boolean verbose;

  @Option(
      names = {"-q", "--quiet"},
      description = "No progress, no summary")
  private boolean quiet;

  @Mixin private ShapeOptions shape;
  @Mixin private SamplingOptions sampling;
  @Mixin private ModelOptions model;
  @Mixin private LoraOptions lora;
  @Mixin private SpeedOptions speed;
  @Mixin private RefCacheOptions refCache;
  @Mixin HelpOption help;

  DriftCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Failure, IOException {
    // All that can be wrong with the request is found before the model is opened.
    List<String> warnings = new ArrayList<>();
    References pictures = references.resolve("drift", "add -r FILE");
    OutputSize size = shape.resolve(pictures.paths().size(), warnings::add);
    String prompt = content.prompt(cli);
    LoraOptions.Resolved loras = lora.resolve();
    SamplingOptions.Resolved resolved = sampling.resolve(content.negativePrompt(), loras);
    if (resolved.batchCount() > 1) {
      throw Failure.usage("drift measures one picture, got --batch-count", "leave it out");
    }
    VaeTiling tiling = speed.vaeTiling();
    EngineOptions engineOptions = speed.engineOptions().withLoras(loras.files());
    RefCache reuse = refCache.resolve();
    ReportFolder folder = ReportFolder.check("--report", report, DriftFiles.NAMES);
    ModelFiles opened = model.resolve(cli);
    EditRequest edit =
        new EditRequest(
            prompt,
            resolved.negativePrompt(),
            pictures.read(),
            size,
            resolved.sampling(),
            tiling,
            reuse);
    DriftRun run =
        new DriftRun(
            cli, json ? new JsonReport(cli.out()) : new HumanReport(cli, quiet, verbose), folder);
    run.execute(
        new DriftRun.Asked(edit, pictures, opened, model, engineOptions, resolved, warnings));
    return ExitCode.DONE;
  }
}
