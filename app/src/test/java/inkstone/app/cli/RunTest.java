package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.FlowShift;
import inkstone.model.pipeline.InsufficientMemoryException;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.VaeTiling;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Runs of edit and generate: what reaches the engine, what is told, what is left. */
final class RunTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  private Outcome edit(Object... more) throws Exception {
    List<Object> args =
        new ArrayList<>(List.of("edit", "-r", cli.picture(), "-p", "Make it night."));
    args.addAll(List.of("-o", cli.output()));
    args.addAll(List.of(more));
    return cli.run(args.toArray());
  }

  @Test
  void editWritesThePictureAndPrintsItsPath() throws Exception {
    Outcome outcome = edit("-s", 7, "--steps", 3);

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.outLines()).containsExactly(cli.output().toString());
    assertThat(outcome.err()).contains("step 3/3").contains("64x48, 3 steps, seed 7");
    assertThat(CliHarness.read(cli.output()).width()).isEqualTo(64);
    assertThat(cli.files()).containsExactly("in.png", "out.png");
    assertThat(cli.engine.closed).isEqualTo(1);
    assertThat(cli.engine.openedModel)
        .isEqualTo(CliHarness.root().resolve("models").resolve("tiny-qwen-image-edit"));
  }

  @Test
  void optionsReachTheEngine() throws Exception {
    Outcome outcome =
        edit(
            "--steps",
            5,
            "--cfg-scale",
            2.5,
            "-n",
            "grey",
            "-W",
            130,
            "-H",
            96,
            "--flow-shift",
            3,
            "-s",
            11,
            "-t",
            1,
            "--vae-tiling",
            "on",
            "-m",
            folder);

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    EditRequest request = cli.engine.edits.getFirst();
    assertThat(request.prompt()).isEqualTo("Make it night.");
    assertThat(request.negativePrompt()).isEqualTo("grey");
    assertThat(request.references()).hasSize(1);
    assertThat(request.size()).isEqualTo(new OutputSize.Exact(128, 96));
    assertThat(request.sampling().steps()).isEqualTo(5);
    assertThat(request.sampling().cfgScale()).isEqualTo(2.5);
    assertThat(request.sampling().seed()).isEqualTo(11);
    assertThat(request.sampling().flowShift()).isEqualTo(new FlowShift.Static(3));
    assertThat(request.vaeTiling()).isEqualTo(VaeTiling.ON);
    assertThat(cli.engine.options.threads()).isEqualTo(1);
    assertThat(cli.engine.openedModel).isEqualTo(folder);
    assertThat(outcome.err()).contains("warning: size 130x96 becomes 128x96");
  }

  @Test
  void sizesReachTheEngine() throws Exception {
    edit("--size", "same");
    edit("--size", "ref:1");
    edit("--size", "160x96");
    edit("--size", "auto");
    edit();

    assertThat(cli.engine.edits)
        .extracting(EditRequest::size)
        .containsExactly(
            OutputSize.SAME,
            new OutputSize.OfReference(1),
            new OutputSize.Exact(160, 96),
            OutputSize.AUTO,
            OutputSize.AUTO);
  }

  @Test
  void guidanceDefaultsFollowTheNegativePrompt() throws Exception {
    edit();
    edit("-n", "grey");
    Outcome standIn = edit("--cfg-scale", 4);
    Outcome unused = edit("-n", "grey", "--cfg-scale", 1);

    assertThat(cli.engine.edits)
        .extracting(request -> request.sampling().cfgScale())
        .containsExactly(1.0, 4.0, 4.0, 1.0);
    assertThat(cli.engine.edits)
        .extracting(EditRequest::negativePrompt)
        .containsExactly(null, "grey", " ", "grey");
    assertThat(standIn.err()).contains("no negative prompt given: \" \" is used");
    assertThat(unused.err()).contains("the negative prompt has no effect");
  }

  @Test
  void sigmasMakeTheSteps() throws Exception {
    edit("--sigmas", "1, 0.5,0.25");

    assertThat(cli.engine.edits.getFirst().sampling().sigmas()).containsExactly(1f, 0.5f, 0.25f);
    assertThat(cli.engine.edits.getFirst().sampling().steps()).isEqualTo(3);
  }

  @Test
  void seedIsRandomAndPrintedWhenAbsentOrNegative() throws Exception {
    Outcome absent = edit();
    Outcome negative = edit("-s", -1);

    long first = cli.engine.edits.get(0).sampling().seed();
    long second = cli.engine.edits.get(1).sampling().seed();
    assertThat(first).isNotEqualTo(second).isBetween(0L, 1L << 32);
    assertThat(absent.err()).contains("seed: " + first + " (random");
    assertThat(negative.err()).contains("seed: " + second + " (random");
  }

  @Test
  void promptComesFromAFileOrStandardInput() throws Exception {
    Path file = Files.writeString(folder.resolve("prompt.txt"), "Mach es grün.\n");
    cli.stdin = "@夜にする\n";

    cli.run("generate", "--prompt-file", file, "-o", cli.output());
    cli.run("generate", "--prompt-file", "-", "-o", cli.output());
    cli.run("generate", "-p", "@prompt.txt", "-o", cli.output());
    cli.run("generate", "-p", "--steps", "-o", cli.output());

    assertThat(cli.engine.generations)
        .extracting(request -> request.prompt())
        .containsExactly("Mach es grün.", "@夜にする", "@prompt.txt", "--steps");
  }

  @Test
  void batchNumbersFilesAndSeeds() throws Exception {
    Outcome outcome = edit("-b", 3, "-s", 5, "--steps", 1);

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(cli.engine.edits)
        .extracting(request -> request.sampling().seed())
        .containsExactly(5L, 6L, 7L);
    assertThat(cli.files()).containsExactly("in.png", "out_000.png", "out_001.png", "out_002.png");
    assertThat(outcome.outLines()).hasSize(3).last().asString().endsWith("out_002.png");
    assertThat(outcome.err()).contains("picture 2/3: step 1/1");
  }

  @Test
  void previewIsRenewedAfterEachStep() throws Exception {
    Path preview = folder.resolve("preview.png");
    Outcome small = edit("--preview", "proj", "--preview-path", preview, "--steps", 2, "-v");

    assertThat(CliHarness.read(preview).width()).isEqualTo(8);
    assertThat(small.err()).contains("preview of step 2");

    edit("--preview", "vae", "--preview-path", preview, "--steps", 2);
    assertThat(CliHarness.read(preview).width()).isEqualTo(64);

    Outcome same = edit("--preview", "vae", "--preview-path", cli.output());
    assertThat(same.code()).isEqualTo(ExitCode.USAGE);
    assertThat(same.err()).contains("name the same file");
  }

  @Test
  void jsonIsOneEventALineAndSilentElsewhere() throws Exception {
    cli.engine.warnings.add("floored");
    Outcome outcome = edit("--json", "-s", 9, "--steps", 2);

    assertThat(outcome.code()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.err()).isEmpty();
    List<Json> events = new ArrayList<>();
    for (String line : outcome.outLines()) {
      events.add(Json.parse(line, "event"));
    }
    List<String> names = new ArrayList<>();
    for (Json event : events) {
      names.add(event.get("event").asString());
    }
    assertThat(names)
        .containsExactly(
            "start", "model", "stage", "stage", "memory", "step", "step", "stage", "warning",
            "picture", "done");
    assertThat(events.get(4).get("bytes").asLong()).isEqualTo(3 << 20);
    Json step = events.get(6);
    assertThat(step.get("step").asInt()).isEqualTo(2);
    assertThat(step.get("steps").asInt()).isEqualTo(2);
    assertThat(step.get("sigma").asDouble()).isEqualTo(0.0);
    Json picture = events.get(9);
    assertThat(picture.get("path").asString()).isEqualTo(cli.output().toString());
    assertThat(picture.get("seed").asLong()).isEqualTo(9);
    assertThat(picture.get("width").asInt()).isEqualTo(64);
    assertThat(picture.get("metadata").get("prompt").asString()).isEqualTo("Make it night.");
    assertThat(picture.get("metadata").get("model_class").asString()).isEqualTo("Fake");
  }

  @Test
  void jsonErrorsAreTheLastEvent() throws Exception {
    Outcome outcome = edit("--json", "--steps", 0);

    Json event = Json.parse(outcome.out().strip(), "event");
    assertThat(event.get("event").asString()).isEqualTo("error");
    assertThat(event.get("exit_code").asInt()).isEqualTo(2);
    assertThat(event.get("message").asString()).contains("--steps");
    assertThat(outcome.err()).contains("--steps");
  }

  @Test
  void quietSaysNothingButThePath() throws Exception {
    Outcome outcome = edit("-q");

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.outLines()).containsExactly(cli.output().toString());
  }

  @Test
  void terminalGetsABarThatIsTakenAway() throws Exception {
    cli.terminal = true;
    Outcome outcome = edit("--steps", 4, "-s", 1);

    assertThat(outcome.err()).contains("[######------------------] step 1/4");
    assertThat(outcome.err()).contains("\r\u001b[K64x48, 4 steps, seed 1");
    assertThat(outcome.out()).doesNotContain("\u001b");
  }

  @Test
  void cancelLeavesNothingAndTheOldPictureStays() throws Exception {
    Files.writeString(cli.output(), "old");
    cli.engine.afterStep = () -> cli.jobs.cancelToken().cancel();

    Outcome outcome = edit("--steps", 5);

    assertThat(outcome.code()).isEqualTo(ExitCode.CANCELLED);
    assertThat(outcome.err()).contains("inkstone: cancelled").doesNotContain("step 2/5");
    assertThat(cli.files()).containsExactly("in.png", "out.png");
    assertThat(Files.readString(cli.output())).isEqualTo("old");
    assertThat(cli.engine.closed).isEqualTo(1);
  }

  @Test
  void failuresKeepTheOldPictureAndHaveTheirCodes() throws Exception {
    Files.writeString(cli.output(), "old");

    cli.engine.afterStep =
        () -> {
          throw new InsufficientMemoryException("64 GB are needed, 23 GB are there");
        };
    Outcome memory = edit();
    cli.engine.afterStep =
        () -> {
          throw new OutOfMemoryError("Java heap space");
        };
    Outcome heap = edit();
    cli.engine.afterStep =
        () -> {
          throw new IllegalStateException("a bug");
        };
    Outcome bug = edit();
    Outcome bugVerbose = edit("-v");
    cli.engine.afterStep =
        () -> {
          throw new IllegalArgumentException("this model takes one picture");
        };
    Outcome unfitRequest = edit();
    cli.engine.unfit = new CheckpointException("no tensor \"img_in.weight\" (x); download it");
    Outcome model = edit();

    assertThat(memory.code()).isEqualTo(ExitCode.MEMORY);
    assertThat(memory.err()).contains("inkstone: 64 GB are needed");
    assertThat(heap.code()).isEqualTo(ExitCode.MEMORY);
    assertThat(heap.err()).contains("INKSTONE_JAVA_OPTS=-Xmx2g");
    assertThat(bug.code()).isEqualTo(ExitCode.UNEXPECTED);
    assertThat(bug.err()).contains("unexpected IllegalStateException: a bug");
    assertThat(bug.err()).doesNotContain("\tat ");
    assertThat(bugVerbose.err()).contains("\tat ");
    assertThat(unfitRequest.code()).isEqualTo(ExitCode.USAGE);
    assertThat(model.code()).isEqualTo(ExitCode.MODEL);
    assertThat(model.err()).contains("inkstone: no tensor \"img_in.weight\"");
    assertThat(cli.files()).containsExactly("in.png", "out.png");
    assertThat(Files.readString(cli.output())).isEqualTo("old");
  }

  @Test
  void aLinkAsOutputKeepsPointingToItsFile() throws Exception {
    Path real = Files.writeString(folder.resolve("real.png"), "old");
    Files.createSymbolicLink(cli.output(), real.getFileName());

    assertThat(edit().code()).isEqualTo(ExitCode.DONE);

    assertThat(Files.isSymbolicLink(cli.output())).isTrue();
    assertThat(CliHarness.read(real).width()).isEqualTo(64);
  }
}
