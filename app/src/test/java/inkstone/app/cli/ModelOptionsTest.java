package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.ModelFiles;
import inkstone.model.pipeline.ZeroCondT;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Which files are opened, and what is told of them. */
final class ModelOptionsTest {
  @TempDir private Path folder;
  private CliHarness cli;
  private Path diffusion;
  private Path llm;
  private Path mmproj;
  private Path vae;

  @BeforeEach
  void files() throws IOException {
    cli = new CliHarness(folder);
    diffusion = Files.writeString(folder.resolve("d.safetensors"), "d");
    llm = Files.writeString(folder.resolve("t.gguf"), "t");
    mmproj = Files.writeString(folder.resolve("mmproj.gguf"), "m");
    vae = Files.writeString(folder.resolve("v.safetensors"), "v");
  }

  private Outcome generate(Object... more) {
    Object[] args = new Object[5 + more.length];
    System.arraycopy(new Object[] {"generate", "-p", "A star.", "-o", cli.output()}, 0, args, 0, 5);
    System.arraycopy(more, 0, args, 5, more.length);
    return cli.run(args);
  }

  private static Path tiny(String part) {
    return CliHarness.root().resolve("models/tiny-qwen-image-edit").resolve(part);
  }

  @Test
  void filesOfTheirOwn() throws IOException {
    Path words = Files.createDirectory(folder.resolve("words"));
    Outcome outcome =
        generate(
            "--diffusion-model",
            diffusion,
            "--llm",
            llm,
            "--llm-vision",
            mmproj,
            "--vae",
            vae,
            "--tokenizer",
            words,
            "--zero-cond-t",
            "on");
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(cli.engine.openedFiles)
        .isEqualTo(new ModelFiles(null, diffusion, llm, mmproj, vae, words, ZeroCondT.ON));
    assertThat(outcome.err()).doesNotContain("embedded");

    // The picture's recipe names them again.
    Outcome again = cli.run("metadata", cli.output(), "--as-cli");
    assertThat(again.out())
        .contains(
            "--diffusion-model "
                + diffusion
                + " --llm "
                + llm
                + " --llm-vision "
                + mmproj
                + " --vae "
                + vae
                + " --tokenizer "
                + words
                + " --zero-cond-t on")
        .doesNotContain(" -m ");
  }

  @Test
  void aFolderWithPartsReplaced() {
    assertThat(generate("-m", tiny(""), "--diffusion-model", diffusion).code()).isZero();
    assertThat(cli.engine.openedFiles)
        .isEqualTo(new ModelFiles(tiny(""), diffusion, null, null, null, null, ZeroCondT.AUTO));
  }

  @Test
  void everyCommandTakesThem() throws IOException {
    Object[] split = {"--diffusion-model", diffusion, "--llm", llm, "--vae", vae};
    for (List<Object> command :
        List.<List<Object>>of(
            List.of("edit", "-r", cli.picture(), "-p", "x", "-o", cli.output()),
            List.of("drift", "-r", cli.picture(), "-p", "x", "--report", folder.resolve("r")),
            List.of("doctor"))) {
      cli.engine.openedFiles = null;
      Object[] args = new Object[command.size() + split.length];
      System.arraycopy(command.toArray(), 0, args, 0, command.size());
      System.arraycopy(split, 0, args, command.size(), split.length);
      Outcome outcome = cli.run(args);
      assertThat(cli.engine.openedFiles)
          .as("%s: %s", command, outcome.err())
          .isEqualTo(ModelFiles.split(diffusion, llm, null, vae));
    }
  }

  @Test
  void threeGoTogether() {
    Outcome outcome = generate("--diffusion-model", diffusion, "--vae", vae);
    assertThat(outcome.code()).isEqualTo(ExitCode.USAGE);
    assertThat(outcome.errLines())
        .containsExactly(
            "inkstone: --llm is missing: --diffusion-model, --llm and --vae go together",
            "  add it, or give the folder of a whole model with -m");
    assertThat(cli.engine.openedFiles).isNull();
  }

  @ParameterizedTest
  @CsvSource({
    "--llm, none.safetensors, 3, no such file",
    "--vae, '', 3, it is empty",
    "--tokenizer, none, 3, no such file",
    "--tokenizer, v.safetensors, 3, not a folder",
    "--zero-cond-t, maybe, 2, maybe",
    "--max-ram, lots, 2, a size from",
    "--max-ram, 12, 2, a size from",
  })
  void mistakes(String option, String value, int code, String message) {
    Object given = value.contains("safetensors") ? folder.resolve(value) : value;
    Outcome outcome = generate(option, given);
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(code);
    assertThat(outcome.err()).contains(option).contains(message);
    assertThat(outcome.errLines()).hasSizeBetween(1, 2);
    assertThat(cli.engine.openedFiles).isNull();
  }

  @Test
  void memoryForWeights() {
    assertThat(generate("--max-ram", "1.5G", "--prompt-cache", "off").code()).isZero();
    assertThat(cli.engine.options).isEqualTo(EngineOptions.defaults().withMaxRamBytes(3L << 29));
    assertThat(generate().code()).isZero();
    assertThat(cli.engine.options.maxRamBytes()).isZero();
  }

  @Test
  void whatWasDecidedIsTold() throws CheckpointException {
    assertThat(generate().err()).doesNotContain("zero_cond_t").doesNotContain("weights:");
    assertThat(generate("-v").err()).contains("zero_cond_t: on, from config.json");
    cli.engine.facts =
        new ModelFacts(
            "fake engine",
            new ZeroCondT.Choice(false, "nothing in the diffusion model says otherwise"),
            Map.of("transformer", 20_000_000_000L),
            false);
    assertThat(generate().errLines())
        .contains(
            "zero_cond_t: off, from nothing in the diffusion model says otherwise",
            "weights: transformer 20000.0 MB; each is mapped for its stage alone");
    assertThat(generate("-q").err()).isEmpty();
    String event =
        generate("--json").outLines().stream()
            .filter(line -> line.contains("\"event\":\"model\""))
            .findFirst()
            .orElseThrow();
    Json json = Json.parse(event, "event");
    assertThat(json.get("zero_cond_t").asBoolean()).isFalse();
    assertThat(json.get("zero_cond_t_from").asString()).startsWith("nothing");
    assertThat(json.get("weights_bytes").keys()).containsExactly("transformer");
    assertThat(json.get("resident").asBoolean()).isFalse();
  }

  @Test
  void aPartGivenForAnother() {
    cli.engines = Engine::open;
    Path file = tiny("vae/diffusion_pytorch_model.safetensors");
    Outcome outcome = generate("-m", tiny(""), "--llm", file);
    assertThat(outcome.code()).isEqualTo(ExitCode.MODEL);
    assertThat(outcome.errLines())
        .containsExactly(
            "inkstone: --llm: expected a Qwen2.5-VL text encoder, got the VAE of Qwen-Image ("
                + file
                + ")",
            "  give it with --vae");
    assertThat(cli.output()).doesNotExist();
  }

  @Test
  void theSamePictureFromParts() throws IOException {
    cli.engines = Engine::open;
    Object[] size = {"-W", "64", "-H", "64", "--steps", "1", "-s", "3"};
    assertThat(generate(size).code()).isZero();
    var expected = CliHarness.read(cli.output());
    Outcome outcome =
        generate(
            "--diffusion-model",
            tiny("transformer"),
            "--llm",
            tiny("text_encoder"),
            "--vae",
            tiny("vae"),
            "-W",
            "64",
            "-H",
            "64",
            "--steps",
            "1",
            "-s",
            "3");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(CliHarness.read(cli.output())).isEqualTo(expected);
  }

  @Test
  void lessMemoryThanTheProcessHas() {
    cli.engines = Engine::open;
    Outcome outcome = generate("--max-ram", "1M", "-W", "64", "-H", "64", "--steps", "1");
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.MEMORY);
    assertThat(outcome.err())
        .contains("each is mapped for its stage alone")
        .contains("0.0 MiB are available within --max-ram")
        .contains("give a larger --max-ram");
    assertThat(cli.output()).doesNotExist();
  }

  @Test
  void anEditWithoutAVisionTowerSaysWhatIsMissing() throws IOException {
    cli.engines = Engine::open;
    Path words = folder.resolve("words.safetensors");
    WithoutVision.write(tiny("text_encoder"), words);
    Outcome outcome =
        cli.run(
            "edit",
            "-r",
            cli.picture(),
            "-p",
            "x",
            "-o",
            cli.output(),
            "--diffusion-model",
            tiny("transformer"),
            "--llm",
            words,
            "--vae",
            tiny("vae"),
            "--tokenizer",
            tiny("tokenizer"));
    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.MODEL);
    assertThat(outcome.err()).contains("vision tower").contains("--llm-vision");
    assertThat(cli.output()).doesNotExist();
  }
}
