package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import inkstone.model.image.Image;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.UnfitModelException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The drift command: what reaches the engine, what is written, what is left when it fails. */
final class DriftCommandTest {
  private static final List<String> FILES =
      List.of("drift_k.png", "drift_v.png", "off.png", "policy.png", "report.json", "sheet.png");

  @TempDir Path folder;

  private CliHarness cli;
  private Path report;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
    report = folder.resolve("out");
  }

  private Outcome drift(Object... more) throws Exception {
    List<Object> args =
        new ArrayList<>(List.of("drift", "-r", cli.picture(), "-p", "Make it night.", "-s", 7));
    args.addAll(List.of("--steps", 4, "--report", report));
    args.addAll(List.of(more));
    return cli.run(args.toArray());
  }

  private List<String> written() throws Exception {
    try (Stream<Path> files = Files.list(report)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    }
  }

  @Test
  void writesAFolderAndTellsItsReport() throws Exception {
    Outcome outcome = drift();

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.outLines()).containsExactly(report.resolve("report.json").toString());
    assertThat(outcome.err())
        .contains(
            "ref cache: anchored in f32",
            "drift of K: mean 0.03, worst 0.09 at step 4, layer 2, reference 1",
            "velocity error at the latents of off: mean 0.0015, worst 0.003 at step 4",
            "off, 1 step ",
            "  preserved ");
    assertThat(written()).isEqualTo(FILES);
    assertThat(cli.files()).containsExactly("in.png", "out");
    assertThat(cli.engine.closed).isEqualTo(1);
    for (String file : FILES) {
      if (file.endsWith(".png")) {
        Image picture = CliHarness.read(report.resolve(file));
        assertThat(picture.width()).as(file).isPositive();
      }
    }
  }

  @Test
  void theReportHoldsEverything() throws Exception {
    cli.engine.warnings.add("careful");
    Outcome outcome =
        drift(
            "-r",
            cli.picture(),
            "--cfg-scale",
            3,
            "--ref-cache",
            "anchored",
            "--ref-cache-every",
            2,
            "--ref-cache-dtype",
            "bf16");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.err()).contains("warning: careful", "drift of V, negative prompt: mean");
    Json json = Json.read(report.resolve("report.json"));
    Json request = json.get("request");
    assertThat(request.get("prompt").asString()).isEqualTo("Make it night.");
    assertThat(request.get("negative_prompt").asString()).isEqualTo(" ");
    assertThat(request.get("references").items()).hasSize(2);
    assertThat(request.get("references_sha256").items().getFirst().asString()).hasSize(64);
    assertThat(request.get("reference_sizes").items().getFirst().asString()).isEqualTo("48x32");
    assertThat(request.get("seed").asInt()).isEqualTo(7);
    assertThat(request.get("ref_cache").asString()).isEqualTo("anchored");
    assertThat(request.get("ref_cache_every").asInt()).isEqualTo(2);
    assertThat(request.get("ref_cache_dtype").asString()).isEqualTo("bf16");
    assertThat(json.get("cache").get("saved").asDouble()).isPositive();
    assertThat(json.get("steps").items()).hasSize(4);
    Json last = json.get("steps").items().getLast();
    assertThat(last.get("step").asInt()).isEqualTo(4);
    assertThat(last.get("velocity_error").asDouble()).isEqualTo(0.003);
    assertThat(last.get("latent_error").asDouble()).isEqualTo(0.006);
    assertThat(json.get("branches").items()).hasSize(2);
    Json branch = json.get("branches").items().getLast();
    assertThat(branch.get("name").asString()).isEqualTo("negative_prompt");
    assertThat(branch.get("plans").items().getFirst().asString()).isEqualTo("full");
    Json errors = branch.get("value").get("errors");
    assertThat(errors.items()).hasSize(4);
    assertThat(errors.items().get(3).items()).hasSize(FakeDrift.LAYERS);
    assertThat(errors.items().get(3).items().get(2).items().get(1).asDouble())
        .isEqualTo(FakeDrift.error(3, 2, 1));
    assertThat(branch.get("key").get("worst_reference").asInt()).isEqualTo(2);
    Json pictures = json.get("pictures");
    Json policy = pictures.get("policy").get("whole");
    assertThat(policy.get("max").asInt()).isEqualTo(20);
    assertThat(policy.get("pixels").asInt()).isEqualTo(64 * 48);
    assertThat(policy.get("visible").asDouble()).isEqualTo(1.0 / (64 * 48));
    // A PSNR of equal pictures is infinite, which JSON has no number for.
    Json rounded = pictures.get("rounded_inputs").get("whole");
    assertThat(rounded.get("psnr").isNull()).isTrue();
    assertThat(rounded.get("ssim").asDouble()).isEqualTo(1);
    assertThat(pictures.get("fewer_steps").get("steps").asInt()).isEqualTo(1);
    assertThat(pictures.get("policy").get("edited").get("pixels").asInt()).isEqualTo(9);
    assertThat(json.get("edited_share").asDouble()).isEqualTo(9.0 / (64 * 48));
    assertThat(json.get("warnings").items()).hasSize(1);
  }

  @Test
  void jsonTellsTheReportAsAnEvent() throws Exception {
    Outcome outcome = drift("--json");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    List<Json> events = new ArrayList<>();
    for (String line : outcome.outLines()) {
      events.add(Json.parse(line, "event"));
    }
    assertThat(events.getFirst().get("event").asString()).isEqualTo("start");
    assertThat(events.getFirst().get("pictures").asInt()).isEqualTo(4);
    assertThat(events.getLast().get("event").asString()).isEqualTo("done");
    Json event = events.get(events.size() - 2);
    assertThat(event.get("event").asString()).isEqualTo("drift");
    assertThat(event.get("path").asString()).isEqualTo(report.resolve("report.json").toString());
    Json file = Json.read(report.resolve("report.json"));
    for (String key : file.keys()) {
      assertThat(event.get(key).raw()).as(key).isEqualTo(file.get(key).raw());
    }
  }

  @Test
  void quietTellsThePathAlone() throws Exception {
    Outcome outcome = drift("-q");

    assertThat(outcome.err()).isEmpty();
    assertThat(outcome.outLines()).hasSize(1);
  }

  @Test
  void thePolicyReachesTheEngineAndAnchoredIsTheDefault() throws Exception {
    drift();
    drift("--ref-cache", "rolling", "--ref-cache-groups", 3, "--ref-cache-dtype", "int8");
    drift("--ref-cache", "exact");

    assertThat(cli.engine.drifts)
        .extracting(request -> request.edit().refCache())
        .containsExactly(
            RefCache.of(
                new KvPolicy.Anchored(
                    KvPolicy.Anchored.DEFAULT_WARMUP,
                    KvPolicy.Anchored.DEFAULT_EVERY,
                    0,
                    KvPolicy.LAST_LAYER)),
            RefCache.of(new KvPolicy.Rolling(3, 1)).withDtype(KvDtype.INT8),
            RefCache.of(KvPolicy.exact()));
  }

  @Test
  void aFolderThatIsThereKeepsItsOtherFiles() throws Exception {
    Files.createDirectories(report);
    Files.writeString(report.resolve("notes.txt"), "mine");
    Files.writeString(report.resolve("report.json"), "old");
    Outcome outcome = drift();

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    List<String> expected = new ArrayList<>(FILES);
    expected.add("notes.txt");
    assertThat(written()).containsExactlyInAnyOrderElementsOf(expected);
    assertThat(Files.readString(report.resolve("notes.txt"))).isEqualTo("mine");
    assertThat(Json.read(report.resolve("report.json")).has("steps")).isTrue();
  }

  @Test
  void aCancelLeavesNoFolder() throws Exception {
    cli.engine.afterStep = () -> cli.jobs.cancelToken().cancel();
    Outcome outcome = drift();

    assertThat(outcome.code()).isEqualTo(ExitCode.CANCELLED);
    assertThat(outcome.out()).isEmpty();
    assertThat(cli.files()).containsExactly("in.png");
    assertThat(cli.engine.closed).isEqualTo(1);
  }

  @Test
  void aCancelLeavesAnOldReportAsItWas() throws Exception {
    Files.createDirectories(report);
    Files.writeString(report.resolve("report.json"), "old");
    cli.engine.afterStep = () -> cli.jobs.cancelToken().cancel();

    assertThat(drift().code()).isEqualTo(ExitCode.CANCELLED);
    assertThat(written()).containsExactly("report.json");
    assertThat(Files.readString(report.resolve("report.json"))).isEqualTo("old");
  }

  @Test
  void numbersThatAreNoneAreAFailureAndLeaveNothing() throws Exception {
    cli.engine.afterStep =
        () -> {
          throw new UnfitModelException("drift: velocity of step 1: expected finite numbers");
        };
    Outcome outcome = drift();

    assertThat(outcome.code()).isEqualTo(ExitCode.MODEL);
    assertThat(outcome.err()).contains("inkstone: drift: velocity of step 1");
    assertThat(cli.files()).containsExactly("in.png");
  }

  private void refused(String message, Object... args) throws Exception {
    Outcome outcome = cli.run(args);
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.err()).startsWith("inkstone: ").contains(message);
    assertThat(outcome.errLines()).hasSizeBetween(1, 2);
    assertThat(cli.engine.openedModel).isNull();
  }

  @Test
  void whatCannotBeDoneIsRefusedBeforeTheModelOpens() throws Exception {
    Path picture = cli.picture();
    Path file = Files.writeString(folder.resolve("file"), "x");
    refused("drift needs a picture", "drift", "-p", "x");
    refused("no prompt", "drift", "-r", picture);
    refused("drift measures one picture", "drift", "-r", picture, "-p", "x", "-b", 2);
    refused("--report: this is no folder", "drift", "-r", picture, "-p", "x", "--report", file);
    refused(
        "--report: the folder's name is empty", "drift", "-r", picture, "-p", "x", "--report", "");
    refused(
        "--report: no such folder",
        "drift",
        "-r",
        picture,
        "-p",
        "x",
        "--report",
        folder.resolve("none").resolve("out"));
    refused(
        "--report: can't make a folder there",
        "drift",
        "-r",
        picture,
        "-p",
        "x",
        "--report",
        folder.resolve("x".repeat(300)));
    refused("unknown option \"-o\"", "drift", "-r", picture, "-p", "x", "-o", "a.png");
    assertThat(cli.files()).containsExactly("file", "in.png");
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aFileOfTheReportThatIsAFolderIsRefused() throws Exception {
    Files.createDirectories(report.resolve("sheet.png"));
    refused(
        "--report: expected a file name, got a folder",
        "drift",
        "-r",
        cli.picture(),
        "-p",
        "x",
        "--report",
        report);
    assertThat(written()).containsExactly("sheet.png");
  }
}
