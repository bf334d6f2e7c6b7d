package inkstone.app.cli;

import inkstone.model.image.Image;
import inkstone.model.image.Size;
import inkstone.model.pipeline.Calibration;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.Plan;
import inkstone.model.pipeline.PlanRequest;
import inkstone.model.pipeline.PlanTimes;
import inkstone.model.pipeline.RefCache;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Tells what a run would take before it is tried. */
@Command(
    name = "plan",
    header = "Tell what an edit or a picture would take: memory, operations, time.",
    customSynopsis = "inkstone plan [-r FILE]... [-p TEXT] [OPTION]...",
    sortOptions = false,
    footer = {
      "",
      "Ends with 4 and what would fit when the run would not.",
      "",
      "Examples:",
      "  inkstone plan -m DIR -r scene.png -p \"Make it night.\" --size 1024x1024",
      "  inkstone plan -m DIR --refs 2 --ref-size 1024x768 --ref-cache anchored --json"
    })
final class PlanCommand implements Callable<Integer> {
  private static final Pattern SIZE = Pattern.compile("(\\d{1,6})x(\\d{1,6})");
  private static final int MAX_SIDE = 1 << 16;

  private final Cli cli;

  @Mixin private ReferenceOptions references;

  @Option(
      names = "--refs",
      paramLabel = "N",
      description = "References to count with where there are no files, 0 to 10 (default: 0)")
  private String count;

  @Option(
      names = "--ref-size",
      paramLabel = "WxH",
      description = "Size of each of the --refs (default: 1024x1024)")
  private String size;

  @Option(
      names = {"-p", "--prompt"},
      paramLabel = "TEXT",
      description =
          "The prompt, for its length (default: one of "
              + PlanRequest.ASSUMED_PROMPT_TOKENS
              + " tokens)")
  private String prompt;

  @Option(
      names = {"-n", "--negative-prompt"},
      paramLabel = "TEXT",
      description = "As of edit; turns guidance on, which makes two passes of each step")
  private String negativePrompt;

  @Option(
      names = "--no-calibrate",
      description = "Leave out the ten seconds that measure this machine, and the times")
  private boolean noTimes;

  @Option(names = "--json", description = "One JSON object")
  private boolean json;

  @Mixin private ShapeOptions shape;
  @Mixin private SamplingOptions sampling;
  @Mixin private ModelOptions model;
  @Mixin private SpeedOptions speed;
  @Mixin private RefCacheOptions refCache;
  @Mixin TraceOption trace;
  @Mixin HelpOption help;

  PlanCommand(Cli cli) {
    this.cli = cli;
  }

  @Override
  public Integer call() throws Exception {
    List<String> warnings = new ArrayList<>();
    List<Size> pictures = pictures();
    OutputSize target = shape.resolve(pictures.size(), warnings::add);
    if (prompt != null && prompt.isBlank()) {
      throw Failure.usage(
          "the prompt is empty", "say what you want with -p \"...\", or leave it out");
    }
    SamplingOptions.Resolved resolved = sampling.resolve(negativePrompt);
    RefCache reuse = refCache.resolve();
    EngineOptions options = speed.engineOptions();
    PlanRequest request =
        new PlanRequest(
            prompt,
            resolved.negativePrompt(),
            pictures,
            target,
            resolved.sampling(),
            speed.vaeTiling(),
            reuse);
    ModelFiles files = model.resolve(cli);
    Plan plan = Inkstone.plan(files, options, request);
    warnings.addAll(plan.warnings());
    PlanTimes times = noTimes || !plan.fits() ? null : Calibration.measure(plan, options.threads());
    warnings.forEach(warning -> cli.err().println("warning: " + warning));
    if (json) {
      cli.out().println(JsonText.of(PlanJson.of(plan, times)));
    } else {
      PlanText.print(cli.out(), plan, times);
    }
    if (plan.fits()) {
      return ExitCode.DONE;
    }
    String cause =
        "the run needs about "
            + PlanText.bytes(plan.requiredBytes())
            + " of memory beside mapped weights, "
            + PlanText.bytes(plan.availableBytes())
            + " are available";
    if (json) {
      // The object on standard output has it all and stays the only one.
      cli.err().println("inkstone: " + cause);
      cli.err().println("  " + plan.advice());
      return ExitCode.MEMORY;
    }
    throw Failure.memory(cause, plan.advice());
  }

  /** Sizes of the references, from files or as given. */
  private List<Size> pictures() throws Failure, IOException {
    if (references.given()) {
      if (count != null || size != null) {
        throw Failure.usage(
            "-r and " + (count != null ? "--refs" : "--ref-size") + " are both given",
            "leave one out: -r takes the sizes from the files");
      }
      return references.resolve("plan", "add -r FILE").read().stream().map(Image::size).toList();
    }
    int number =
        count == null
            ? size == null ? 0 : 1
            : Numbers.whole("--refs", count, 0, EditRequest.MAX_REFERENCES);
    return Collections.nCopies(number, size == null ? new Size(1024, 1024) : size());
  }

  private Size size() throws Failure {
    Matcher matcher = SIZE.matcher(size.strip());
    if (matcher.matches()) {
      int width = Integer.parseInt(matcher.group(1));
      int height = Integer.parseInt(matcher.group(2));
      if (Math.min(width, height) >= 1 && Math.max(width, height) <= MAX_SIDE) {
        return new Size(width, height);
      }
    }
    throw Numbers.unfit("--ref-size", "WxH with sides from 1 to " + MAX_SIDE, size);
  }
}
