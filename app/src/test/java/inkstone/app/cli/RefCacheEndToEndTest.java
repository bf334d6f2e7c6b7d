package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The reference cache as a user meets it: the embedded model, PNG files, exit codes. */
final class RefCacheEndToEndTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
    cli.engines = Engine::open;
  }

  private Outcome edit(Path output, String options) throws Exception {
    Path scene = CliHarness.root().resolve("examples").resolve("scene.png");
    List<Object> args =
        new ArrayList<>(List.of("edit", "-r", scene, "-p", "Change the background to navy."));
    args.addAll(List.of("-o", output, "-s", 3, "--steps", 2, "-W", 64, "-H", 48, "-t", 2));
    if (!options.isEmpty()) {
      args.addAll(List.of(options.split(" ")));
    }
    return cli.run(args.toArray());
  }

  /** The bytes of the file. */
  private byte[] picture(String options) throws Exception {
    Path output = folder.resolve("plain.png");
    Outcome outcome = edit(output, (options + " --no-metadata").strip());
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    return Files.readAllBytes(output);
  }

  @Test
  void policiesThatReuseNothingInexactGiveTheSameFile() throws Exception {
    byte[] off = picture("--ref-cache off");

    for (String policy :
        List.of(
            "",
            "--ref-cache exact",
            "--ref-cache anchored --ref-cache-every 1",
            "--ref-cache rolling --ref-cache-groups 1",
            "--ref-cache adaptive --ref-cache-budget 0")) {
      assertThat(picture(policy)).as("file of edit %s", policy).isEqualTo(off);
    }
    String guidance = " --cfg-scale 3";
    assertThat(picture("--ref-cache rolling --ref-cache-groups 1" + guidance))
        .isEqualTo(picture("--ref-cache off" + guidance))
        .isNotEqualTo(off);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void anchoredDiffersAndIsMarkedAndCanBeMadeAgain() throws Exception {
    assertThat(picture("--ref-cache anchored")).isNotEqualTo(picture("--ref-cache off"));

    Outcome outcome = edit(cli.output(), "--ref-cache anchored --ref-cache-dtype bf16");
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.err())
        .containsPattern(
            "\nref cache: anchored in bf16 \\(\\d+\\.\\d MB\\), 1 full and 1 cached passes,"
                + " [1-9]\\d\\.\\d % of the operations saved, approximate\n");
    Json facts = Json.parse(cli.run("metadata", cli.output(), "--json").out().strip(), "metadata");
    assertThat(facts.get("approximate").asBoolean()).isTrue();
    assertThat(facts.get("ref_cache_dtype").asString()).isEqualTo("bf16");
    assertThat(facts.get("ref_cache_stats").get("cached_steps").asInt()).isEqualTo(1);

    Outcome again = cli.again(cli.run("metadata", cli.output(), "--as-cli").out().strip());
    assertThat(again.code()).as(again.err()).isEqualTo(ExitCode.DONE);
    assertThat(folder.resolve("out-again.png")).hasSameBinaryContentAs(cli.output());
  }

  @Test
  void causalNeedsAModelThatWasTrainedForIt() throws Exception {
    Outcome outcome = edit(cli.output(), "-q --ref-cache causal");

    assertThat(outcome.code()).isEqualTo(ExitCode.MODEL);
    assertThat(outcome.err()).startsWith("inkstone: ref cache: causal needs a checkpoint trained");
    assertThat(outcome.errLines()).hasSizeBetween(1, 2);
    assertThat(cli.files()).isEmpty();
  }

  @Test
  void tooSmallABudgetIsSaidAndThePictureIsThatOfOff() throws Exception {
    Outcome outcome = edit(cli.output(), "--ref-cache anchored --ref-cache-max 1K");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.err())
        .contains("warning: ref cache: anchored needs ")
        .doesNotContain("approximate");
    Json facts = Json.parse(cli.run("metadata", cli.output(), "--json").out().strip(), "metadata");
    assertThat(facts.has("approximate")).isFalse();
    assertThat(facts.get("ref_cache").asString()).isEqualTo("exact");
    assertThat(CliHarness.read(cli.output()).rgb()).isEqualTo(CliHarness.read(reference()).rgb());
  }

  private Path reference() throws Exception {
    Path output = folder.resolve("off.png");
    Outcome outcome = edit(output, "--ref-cache off");
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    return output;
  }
}
