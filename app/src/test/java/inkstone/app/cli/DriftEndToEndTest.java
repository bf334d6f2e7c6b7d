package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A drift report of the embedded model, as a user gets it. */
final class DriftEndToEndTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
    cli.engines = Engine::open;
  }

  private Outcome run(String command, Object... more) {
    Path scene = CliHarness.root().resolve("examples").resolve("scene.png");
    List<Object> args =
        new ArrayList<>(List.of(command, "-r", scene, "-p", "Change the background to navy."));
    args.addAll(List.of("-s", 3, "--steps", 3, "-W", 64, "-H", 48, "-t", 2));
    args.addAll(List.of(more));
    Outcome outcome = cli.run(args.toArray());
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    return outcome;
  }

  @Test
  void itsPicturesAreThoseOfEdit() throws Exception {
    Path report = folder.resolve("out");
    Object[] anchored = {"--ref-cache", "anchored", "--ref-cache-every", "never"};
    run("drift", Stream.concat(Stream.of("--report", report), Stream.of(anchored)).toArray());
    run("edit", "-o", folder.resolve("off.png"), "--no-metadata", "--ref-cache", "off");
    run(
        "edit",
        Stream.concat(
                Stream.of("-o", folder.resolve("policy.png"), "--no-metadata"), Stream.of(anchored))
            .toArray());

    assertThat(report.resolve("off.png")).hasSameBinaryContentAs(folder.resolve("off.png"));
    assertThat(report.resolve("policy.png")).hasSameBinaryContentAs(folder.resolve("policy.png"));
    Json json = Json.read(report.resolve("report.json"));
    List<Json> steps = json.get("steps").items();
    assertThat(steps.getFirst().get("velocity_error").asDouble()).isZero();
    assertThat(steps.getLast().get("latent_error").asDouble()).isPositive();
    List<Json> errors = json.get("branches").items().getFirst().get("key").get("errors").items();
    assertThat(errors.getFirst().raw().toString()).doesNotContainPattern("[1-9]");
    // The references of this model don't follow the timestep: the first block sees them alike.
    assertThat(errors.getLast().items().getFirst().raw().toString()).doesNotContainPattern("[1-9]");
    assertThat(errors.getLast().items().getLast().items().getFirst().asDouble()).isPositive();
  }

  @Test
  void exactIsEqual() throws Exception {
    Path report = folder.resolve("out");
    Outcome outcome = run("drift", "--report", report, "--ref-cache", "exact");

    assertThat(outcome.err())
        .contains("drift of K: none", "velocity error at the latents of off: none");
    assertThat(Files.readAllBytes(report.resolve("policy.png")))
        .isEqualTo(Files.readAllBytes(report.resolve("off.png")));
    Json policy = Json.read(report.resolve("report.json")).get("pictures").get("policy");
    assertThat(policy.get("whole").get("max").asInt()).isZero();
    assertThat(policy.get("whole").get("psnr").isNull()).isTrue();
    assertThat(policy.get("latent_error").asDouble()).isZero();
  }
}
