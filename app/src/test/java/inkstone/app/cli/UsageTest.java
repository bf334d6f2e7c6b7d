package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Mistakes of users: the right code, one or two lines, nothing opened, nothing left behind. */
final class UsageTest {
  @TempDir Path folder;

  private CliHarness cli;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
  }

  static Stream<Arguments> wrongValues() {
    return Stream.of(
        wrong("--steps 0", "--steps: expected a whole number from 1 to 1000, got \"0\""),
        wrong("--steps -3", "--steps: expected a whole number from 1 to 1000, got \"-3\""),
        wrong("--steps 1000000000", "expected a whole number from 1 to 1000, got \"1000000000\""),
        wrong("--steps 99999999999999999999", "expected a whole number from 1 to 1000"),
        wrong("--steps many", "--steps: expected a whole number from 1 to 1000, got \"many\""),
        wrong("-W 0 -H 128", "-W: expected a whole number from 16 to 8192, got \"0\""),
        wrong("-W 128 -H 1000000000", "-H: expected a whole number from 16 to 8192"),
        wrong("-W 15 -H 128", "-W: expected a whole number from 16 to 8192, got \"15\""),
        wrong("-W -128 -H 128", "-W: expected a whole number from 16 to 8192, got \"-128\""),
        wrong("-W 128", "-W and -H belong together; -H is missing"),
        wrong("-H 128", "-W and -H belong together; -W is missing"),
        wrong("-W 128 -H 128 --size auto", "--size and -W/-H are both given"),
        wrong("--size 0x0", "--size: expected a whole number from 16 to 8192, got \"0\""),
        wrong("--size 1000000000x16", "--size: expected a whole number from 16 to 8192"),
        wrong("--size big", "--size: expected auto, same, ref:N or WxH, got \"big\""),
        wrong("--size ref:2", "--size ref:N: expected a whole number from 1 to 1, got \"2\""),
        wrong("--size ref:x", "--size ref:N: expected a whole number from 1 to 1, got \"x\""),
        wrong("--cfg-scale NaN", "--cfg-scale: expected a number from 0 to 100, got \"NaN\""),
        wrong("--cfg-scale -1", "--cfg-scale: expected a number from 0 to 100, got \"-1\""),
        wrong("--true-cfg-scale Infinity", "--cfg-scale: expected a number from 0 to 100"),
        wrong("--flow-shift 0", "--flow-shift: expected auto or a number from 0.01 to 100"),
        wrong("--flow-shift 1e-300", "--flow-shift: expected auto or a number from 0.01 to 100"),
        wrong("--flow-shift NaN", "--flow-shift: expected auto or a number from 0.01 to 100"),
        wrong("--sigmas 1,x", "--sigmas: expected numbers with commas between"),
        wrong("--sigmas 1,0.5,0", "--sigmas: expected numbers above 0, up to 1, got \"0\""),
        wrong("--sigmas 0.5,0.7", "--sigmas: expected falling numbers, got 0.7 after 0.5"),
        wrong("--sigmas NaN", "--sigmas: expected numbers above 0, up to 1, got \"NaN\""),
        wrong("--sigmas 1,0.5 --steps 3", "--steps 3 does not fit the 2 --sigmas"),
        wrong("--seed x", "--seed: expected a whole number"),
        wrong("--seed 18446744073709551616", "--seed: expected a whole number"),
        wrong("--rng philox", "--rng philox is not there yet"),
        wrong("--rng dice", "--rng: expected torch, got \"dice\""),
        wrong("--sampling-method heun", "--sampling-method: expected euler, got \"heun\""),
        wrong("-b 0", "--batch-count: expected a whole number from 1 to 10000, got \"0\""),
        wrong("-t 0", "--threads: expected a whole number from 1 to 1024, got \"0\""),
        wrong("--vae-tiling maybe", "--vae-tiling: expected auto or on or off, got \"maybe\""),
        wrong("--preview tae", "--preview: expected none or proj or vae, got \"tae\""),
        wrong("--preview-path x.png", "--preview-path without --preview"),
        wrong("--controlnet x.safetensors", "unknown option \"--controlnet\""),
        wrong("--stepz 3", "unknown option \"--stepz\""),
        wrong("surplus", "unknown argument \"surplus\""),
        wrong("--steps", "--steps needs a value"),
        wrong("--steps 3 --steps 4", "--steps is given more than once"));
  }

  private static Arguments wrong(String options, String message) {
    return Arguments.of(List.of(options.split(" ")), message);
  }

  @ParameterizedTest
  @MethodSource("wrongValues")
  void wrongValuesAreRefusedBeforeTheModelOpens(List<String> options, String message)
      throws Exception {
    Path picture = cli.picture();
    Object[] args =
        Stream.concat(
                Stream.of("edit", "-r", picture, "-p", "Make it night.", "-o", cli.output()),
                options.stream())
            .toArray();

    Outcome outcome = cli.run(args);

    assertRefused(outcome, ExitCode.USAGE, message);
    assertThat(cli.files()).containsExactly("in.png");
  }

  private void assertRefused(Outcome outcome, int code, String message) {
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
    assertThat(outcome.err()).startsWith("inkstone: ").contains(message);
    assertThat(outcome.errLines()).hasSizeBetween(1, 2);
    assertThat(outcome.err()).doesNotContain("\tat ").doesNotContain("Exception");
    assertThat(outcome.out()).isEmpty();
    assertThat(cli.engine.openedModel).isNull();
  }

  @Test
  void suggestsTheOptionThatWasMeant() throws Exception {
    Outcome outcome = cli.run("edit", "-r", cli.picture(), "-p", "x", "--stepz", "3");

    assertThat(outcome.err()).contains("did you mean --steps");

    Outcome cutShort = cli.run("edit", "-r", cli.picture(), "-p", "x", "--ref-cache-dtyp", "f16");
    Outcome underscore = cli.run("edit", "-r", cli.picture(), "-p", "x", "--ref_cache", "off");

    assertThat(cutShort.err()).contains("did you mean --ref-cache-dtype");
    assertThat(underscore.err()).contains("did you mean --ref-cache or");
  }

  @Test
  void promptIsNeededOnceAndNotBlank() throws Exception {
    Path picture = cli.picture();
    Path file = Files.writeString(folder.resolve("prompt.txt"), " \n");
    Path binary = Files.write(folder.resolve("prompt.bin"), new byte[] {(byte) 0xff, 0});

    assertRefused(cli.run("edit", "-r", picture), ExitCode.USAGE, "no prompt");
    assertRefused(cli.run("edit", "-r", picture, "-p", ""), ExitCode.USAGE, "the prompt is empty");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", " \t"), ExitCode.USAGE, "the prompt is empty");
    assertRefused(
        cli.run("edit", "-r", picture, "--prompt-file", file),
        ExitCode.USAGE,
        "the prompt is empty");
    assertRefused(
        cli.run("edit", "-r", picture, "--prompt-file", folder.resolve("none.txt")),
        ExitCode.USAGE,
        "--prompt-file: no such file");
    assertRefused(
        cli.run("edit", "-r", picture, "--prompt-file", folder),
        ExitCode.USAGE,
        "--prompt-file: this is a folder");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x".repeat(100_001)),
        ExitCode.USAGE,
        "the prompt has 100001 characters, expected at most 100000");
    assertRefused(
        cli.run("edit", "-r", picture, "--prompt-file", binary),
        ExitCode.USAGE,
        "--prompt-file: not UTF-8 text");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "--prompt-file", file),
        ExitCode.USAGE,
        "-p and --prompt-file are both given");
  }

  @Test
  void picturesMustBePictures() throws Exception {
    Path text = Files.writeString(folder.resolve("notes.txt"), "not a picture\n");

    assertRefused(cli.run("edit", "-p", "x"), ExitCode.USAGE, "edit needs a picture");
    assertRefused(
        cli.run("edit", "-p", "x", "-o", cli.output(), "-r", text), ExitCode.USAGE, "notes.txt");
    assertRefused(
        cli.run("edit", "-p", "x", "-o", cli.output(), "-r", folder.resolve("none.png")),
        ExitCode.USAGE,
        "none.png");
    assertRefused(
        cli.run("edit", "-p", "x", "-o", cli.output(), "-r", folder),
        ExitCode.USAGE,
        folder.toString());
    assertRefused(
        cli.run("edit", "-p", "x", "-o", cli.output(), "-r", ""),
        ExitCode.USAGE,
        "the file name is empty");
    assertThat(cli.files()).containsExactly("notes.txt");
  }

  @Test
  void elevenPicturesAreTooMany() throws Exception {
    Path picture = cli.picture();
    Object[] args =
        Stream.concat(
                Stream.of("edit", "-p", "x"),
                Stream.generate(() -> List.of("-r", picture)).limit(11).flatMap(List::stream))
            .toArray();

    assertRefused(cli.run(args), ExitCode.USAGE, "-r: expected at most 10 pictures, got 11");
  }

  @Test
  void outputMustBeWritable() throws Exception {
    Path picture = cli.picture();
    Path missing = folder.resolve("none").resolve("out.png");

    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "-o", folder), ExitCode.USAGE, "got a folder");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "-o", missing), ExitCode.USAGE, "no such folder");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "-o", folder.resolve("out.jpg")),
        ExitCode.USAGE,
        "only PNG is written");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "-o", ""),
        ExitCode.USAGE,
        "the file name is empty");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "-o", folder.resolve("x".repeat(300) + ".png")),
        ExitCode.USAGE,
        "can't write");
    assertThat(cli.files()).containsExactly("in.png");
  }

  @Test
  void aPreviewNeverOverwritesAReference() throws Exception {
    Path picture = cli.picture();
    byte[] before = Files.readAllBytes(picture);
    assertRefused(
        cli.run(
            "edit",
            "-r",
            picture,
            "-p",
            "x",
            "-o",
            cli.output(),
            "--preview",
            "proj",
            "--preview-path",
            picture),
        ExitCode.USAGE,
        "the preview would overwrite the picture of -r");
    assertThat(Files.readAllBytes(picture)).isEqualTo(before);
  }

  @Test
  void aDeviceIsNoOutput() throws Exception {
    assertRefused(
        cli.run("edit", "-r", cli.picture(), "-p", "x", "-o", "/dev/stdout"),
        ExitCode.USAGE,
        "it is a device or pipe");
  }

  @Test
  void modelMustBeAFolder() throws Exception {
    Path picture = cli.picture();

    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "-o", cli.output(), "-m", folder.resolve("no")),
        ExitCode.MODEL,
        "-m: no such folder");
    assertRefused(
        cli.run("edit", "-r", picture, "-p", "x", "-o", cli.output(), "-m", picture),
        ExitCode.MODEL,
        "-m: not a folder");
    assertThat(cli.files()).containsExactly("in.png");
  }

  @Test
  void generateTakesNoReference() {
    assertRefused(
        cli.run("generate", "-p", "x", "-r", "a.png"),
        ExitCode.USAGE,
        "unknown option \"-r\"\n  edit, drift and plan take it");
    assertRefused(
        cli.run("generate", "-p", "x", "--size", "same"),
        ExitCode.USAGE,
        "--size same needs a reference picture");
  }

  @Test
  void noCommandOrAnUnknownOne() {
    assertRefused(cli.run(), ExitCode.USAGE, "no command given");
    assertRefused(cli.run("paint"), ExitCode.USAGE, "unknown command \"paint\"");
  }

  @Test
  void messagesStayOneLineWhateverTheyQuote() throws Exception {
    Outcome outcome = cli.run("edit", "-r", cli.picture(), "-p", "x", "--steps", "1\n2");

    assertRefused(outcome, ExitCode.USAGE, "got \"1\\n2\"");
  }

  @Test
  void verboseAddsTheTrace() {
    Outcome outcome = cli.run("edit", "-p", "x", "-v");

    assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.err()).contains("\tat ");
  }

  @Test
  void helpFitsEightyColumns() {
    for (String command :
        List.of(
            "edit",
            "generate",
            "drift",
            "plan",
            "inspect",
            "convert",
            "metadata",
            "bench",
            "doctor",
            "completion",
            "help")) {
      Outcome outcome = cli.run(command, "--help");
      assertThat(outcome.code()).isEqualTo(ExitCode.DONE);
      assertThat(outcome.outLines()).allMatch(line -> line.length() <= 80);
      assertThat(outcome.out()).contains("Usage: inkstone " + command);
    }
    assertThat(cli.run("--help").outLines()).allMatch(line -> line.length() <= 80);
  }

  @Test
  void versionAndCompletion() {
    assertThat(cli.run("--version").out()).startsWith("inkstone ").contains("Java ");
    assertThat(cli.run("completion").out())
        .contains("--ref-image", "--ref-cache-layers", "complete ");
  }
}
