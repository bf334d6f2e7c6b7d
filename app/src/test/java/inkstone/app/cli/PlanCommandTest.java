package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** plan on the embedded model. */
final class PlanCommandTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  private static String ramFor(long megabytes) throws Exception {
    long anonymous =
        Files.readAllLines(Path.of("/proc/self/status")).stream()
            .filter(line -> line.startsWith("RssAnon:"))
            .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("[^0-9]", "")))
            .findFirst()
            .orElseThrow();
    return Long.toString(anonymous + (megabytes << 20));
  }

  @Test
  void filesAndSizesPlanTheSame() throws Exception {
    Path picture = cli.picture();
    Outcome files =
        cli.run("plan", "-r", picture, "-p", "Make it blue.", "--no-calibrate", "--json");
    assertThat(files.code()).as(files.err()).isEqualTo(ExitCode.DONE);
    Json plan = Json.parse(files.out().strip(), "plan");
    assertThat(plan.get("fits").asBoolean()).isTrue();
    assertThat(plan.get("peak_bytes").asLong()).isGreaterThan(plan.get("process_bytes").asLong());
    assertThat(plan.get("cache_sizes").items()).hasSize(16);
    assertThat(plan.get("stages").items()).hasSize(4);
    assertThat(plan.get("parts").items()).hasSize(4);

    String size = plan.get("references").items().getFirst().asString();
    Outcome sizes =
        cli.run(
            "plan",
            "--refs",
            1,
            "--ref-size",
            size,
            "-p",
            "Make it blue.",
            "--no-calibrate",
            "--json");
    Json same = Json.parse(sizes.out().strip(), "plan");
    assertThat(same.get("image_tokens").asLong()).isEqualTo(plan.get("image_tokens").asLong());
    assertThat(same.get("text_tokens").items().toString())
        .isEqualTo(plan.get("text_tokens").items().toString());
  }

  @Test
  void peopleGetATable() {
    Outcome outcome =
        cli.run("plan", "--refs", 2, "--ref-cache", "anchored", "--steps", 4, "--no-calibrate");
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.out())
        .contains("2 references", "transformer", "vision_tower", "denoise", "ref cache: anchored")
        .containsPattern("causal +.* not this model")
        .containsPattern("peak: .* of anonymous memory while");
    assertThat(outcome.err()).isEmpty();
  }

  @Test
  void calibrationAddsTimes() throws Exception {
    Outcome outcome = cli.run("plan", "--refs", 1, "--steps", 2, "--json");
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    Json times = Json.parse(outcome.out().strip(), "plan").get("times");
    assertThat(times.get("seconds").asDouble()).isBetween(1e-4, 600.0);
    assertThat(times.get("first_step").asDouble()).isPositive();
    assertThat(times.get("rates").items()).hasSizeGreaterThan(5);
  }

  @Test
  void whatDoesNotFitEndsWithFourAndAdvice() throws Exception {
    Outcome outcome =
        cli.run("plan", "--size", "4096x4096", "--vae-tiling", "off", "--max-ram", ramFor(1500));
    assertThat(outcome.code()).isEqualTo(ExitCode.MEMORY);
    assertThat(outcome.errLines()).hasSize(2);
    assertThat(outcome.err()).contains("the run needs about", "--vae-tiling on fits");

    Outcome json =
        cli.run(
            "plan",
            "--size",
            "4096x4096",
            "--vae-tiling",
            "off",
            "--max-ram",
            ramFor(1500),
            "--json");
    assertThat(json.code()).isEqualTo(ExitCode.MEMORY);
    Json plan = Json.parse(json.out().strip(), "plan");
    assertThat(plan.get("fits").asBoolean()).isFalse();
    assertThat(plan.get("advice").asString()).startsWith("--vae-tiling on");
  }

  @Test
  void mistakesAreNamed() throws Exception {
    assertUsage(cli.run("plan", "-r", cli.picture(), "--refs", 1), "-r and --refs are both given");
    assertUsage(cli.run("plan", "--ref-size", "wide"), "--ref-size: expected WxH");
    assertUsage(cli.run("plan", "--refs", 11), "--refs: expected a whole number from 0 to 10");
    assertUsage(cli.run("plan", "--size", "ref:1"), "needs a reference picture");
    Path file = Files.writeString(folder.resolve("file"), "x");
    assertUsage(cli.run("plan", "--prompt-cache", file), "--prompt-cache: not a folder");
    Outcome none = cli.run("plan", "-m", folder.resolve("no"));
    assertThat(none.code()).isEqualTo(ExitCode.MODEL);
  }

  private static void assertUsage(Outcome outcome, String message) {
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.err()).contains(message);
    assertThat(outcome.errLines()).hasSize(2);
  }
}
