package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.OutputSize;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The recipe in a PNG, and the way back from it to a command. */
final class MetadataCommandTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void theCommandThroughAShellMakesTheSameRequest() throws Exception {
    String prompt = "It's \"night\"; $HOME `ls` \\ über 夜 \n second line";
    cli.run(
        "edit",
        "-r",
        cli.picture(),
        "-r",
        cli.picture(),
        "-p",
        prompt,
        "-n",
        "-grey",
        "-W",
        96,
        "-H",
        64,
        "--sigmas",
        "1,0.5",
        "--flow-shift",
        2.5,
        "--cfg-scale",
        3.5,
        "-s",
        42,
        "--vae-tiling",
        "off",
        "-m",
        folder,
        "-o",
        cli.output());

    Outcome printed = cli.run("metadata", cli.output(), "--as-cli");
    assertThat(printed.code()).as(printed.err()).isEqualTo(ExitCode.DONE);
    Outcome again = cli.again(printed.out().strip());

    assertThat(again.code()).as(again.err()).isEqualTo(ExitCode.DONE);
    assertThat(cli.files()).contains("out-again.png");
    EditRequest first = cli.engine.edits.get(0);
    EditRequest second = cli.engine.edits.get(1);
    assertThat(second).usingRecursiveComparison().isEqualTo(first);
    assertThat(second.prompt()).isEqualTo(prompt);
    assertThat(second.size()).isEqualTo(new OutputSize.Exact(96, 64));
  }

  @Test
  void jsonAndLinesShowWhatWasAsked() throws Exception {
    cli.run("generate", "-p", "A red circle.", "-s", 3, "-o", cli.output());

    Json json = Json.parse(cli.run("metadata", cli.output(), "--json").out().strip(), "metadata");
    assertThat(json.get("command").asString()).isEqualTo("generate");
    assertThat(json.get("prompt").asString()).isEqualTo("A red circle.");
    assertThat(json.get("seed").asLong()).isEqualTo(3);
    assertThat(json.get("steps").asInt()).isEqualTo(20);
    assertThat(json.has("references")).isFalse();
    assertThat(cli.run("metadata", cli.output()).outLines())
        .contains("prompt: A red circle.", "seed: 3");
  }

  @Test
  void referencesAreNamedByPathAndHash() throws Exception {
    cli.run("edit", "-r", cli.picture(), "-p", "x", "-o", cli.output());

    Json json = Json.parse(cli.run("metadata", cli.output(), "--json").out().strip(), "metadata");
    assertThat(json.get("references").items().getFirst().asString())
        .isEqualTo(cli.picture().toString());
    assertThat(json.get("references_sha256").items().getFirst().asString())
        .isEqualTo(sha256(cli.picture()));
  }

  private static String sha256(Path file) throws Exception {
    return HexFormat.of()
        .formatHex(MessageDigest.getInstance("SHA-256").digest(Files.readAllBytes(file)));
  }

  @Test
  void picturesWithoutARecipeAreRefused() throws Exception {
    cli.run("generate", "-p", "x", "-o", cli.output(), "--no-metadata");
    Path text = Files.writeString(folder.resolve("notes.txt"), "no picture");

    for (Object file : List.of(cli.output(), cli.picture(), text, folder.resolve("none.png"))) {
      Outcome outcome = cli.run("metadata", file);
      assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
      assertThat(outcome.errLines()).hasSizeBetween(1, 2);
      assertThat(outcome.out()).isEmpty();
    }
    assertThat(cli.run("metadata").err()).contains("FILE");
    assertThat(cli.run("metadata", cli.output(), "--as-cli", "--json").code())
        .isEqualTo(ExitCode.USAGE);
  }
}
