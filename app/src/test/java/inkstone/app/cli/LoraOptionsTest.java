package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.model.lora.LoraFile;
import inkstone.model.pipeline.FlowShift;
import inkstone.model.pipeline.GenerateRequest;
import inkstone.model.pipeline.Sampling;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code --lora}: paths, scales, Lightning, and what a user gets wrong. */
final class LoraOptionsTest {
  private static final String LIGHTNING = "Qwen-Image-Lightning-4steps-V1.0.safetensors";
  @TempDir Path folder;
  private CliHarness cli;

  @BeforeEach
  void open() {
    cli = new CliHarness(folder);
  }

  private Path lora(String name) {
    return new SafetensorsWriter()
        .f32("img_in.lora_down.weight", new float[] {1}, 1, 1)
        .f32("img_in.lora_up.weight", new float[] {1}, 1, 1)
        .write(folder.resolve(name));
  }

  private CliHarness.Outcome generate(Object... more) {
    Object[] args = new Object[5 + more.length];
    args[0] = "generate";
    args[1] = "-p";
    args[2] = "A circle.";
    args[3] = "-o";
    args[4] = cli.output();
    System.arraycopy(more, 0, args, 5, more.length);
    return cli.run(args);
  }

  private Sampling sampling() {
    return cli.engine.generations.getLast().sampling();
  }

  @Test
  void pathsAndScalesReachTheEngineInOrder() {
    Path plain = lora("plain.safetensors");
    Path colons = lora("a:b:0.5");
    Path named = lora("2:name.safetensors");
    CliHarness.Outcome outcome =
        generate(
            "--lora",
            plain,
            "--lora",
            plain + ":0.8",
            "--lora",
            colons,
            "--lora",
            colons + ":-1",
            "--lora",
            named,
            "--lora",
            named + ":1e-1");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(cli.engine.options.loras())
        .containsExactly(
            new LoraFile(plain, 1),
            new LoraFile(plain, 0.8),
            new LoraFile(colons, 1),
            new LoraFile(colons, -1),
            new LoraFile(named, 1),
            new LoraFile(named, 0.1));
    assertThat(outcome.err()).doesNotContain("Lightning");
    assertThat(sampling().steps()).isEqualTo(20);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nothing.safetensors", "nothing.safetensors:0.5", "", " ", "."})
  void whatIsNoFileEndsWithCode3AndTwoLines(String path) {
    CliHarness.Outcome outcome = generate("--lora", path);
    assertThat(outcome.code()).isEqualTo(3);
    assertThat(outcome.errLines()).hasSize(2).first().asString().contains("--lora");
    assertThat(cli.engine.openedModel).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {":NaN", ":101", ":-1000", ":Infinity"})
  void aScaleThatIsNoneIsAUsageError(String scale) {
    CliHarness.Outcome outcome = generate("--lora", lora("x.safetensors") + scale);
    assertThat(outcome.code()).isEqualTo(2);
    assertThat(outcome.errLines().getFirst()).contains("--lora scale").contains("-100 to 100");
  }

  @Test
  void aTextFileIsRefusedBeforeTheModelOpens() throws IOException {
    Path text = java.nio.file.Files.writeString(folder.resolve("lora.safetensors"), "hello");
    CliHarness.Outcome outcome = generate("--lora", text);
    assertThat(outcome.code()).isEqualTo(3);
    assertThat(outcome.errLines()).hasSize(2);
    assertThat(cli.engine.openedModel).isNull();
  }

  @Test
  void lightningSetsWhatIsNotGivenAndSaysSo() {
    CliHarness.Outcome outcome = generate("--lora", lora(LIGHTNING));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(sampling().steps()).isEqualTo(4);
    assertThat(sampling().cfgScale()).isEqualTo(1);
    assertThat(sampling().flowShift()).isEqualTo(new FlowShift.Static(3));
    assertThat(outcome.err())
        .contains(
            "Lightning LoRA "
                + LIGHTNING
                + ": 4 steps, static shift 3 without terminal stretch, cfg scale 1; --steps,"
                + " --flow-shift and --cfg-scale set others");
    CliHarness.Outcome json = generate("--lora", lora(LIGHTNING), "--json");
    assertThat(json.out())
        .contains("{\"event\":\"note\",\"message\":\"Lightning LoRA")
        .contains("\"steps\":4");
  }

  @Test
  void theUsersOwnSettingsWin() {
    generate(
        "--lora",
        lora(LIGHTNING),
        "--steps",
        6,
        "--cfg-scale",
        2,
        "-n",
        "ugly",
        "--flow-shift",
        "auto");
    GenerateRequest request = cli.engine.generations.getLast();
    assertThat(request.sampling().steps()).isEqualTo(6);
    assertThat(request.sampling().cfgScale()).isEqualTo(2);
    assertThat(request.sampling().flowShift()).isEqualTo(FlowShift.AUTO);
    generate("--lora", lora(LIGHTNING), "--sigmas", "1,0.5");
    assertThat(sampling().steps()).isEqualTo(2);
    assertThat(sampling().flowShift()).isEqualTo(new FlowShift.Static(3));
    generate("--lora", lora(LIGHTNING), "-n", "ugly");
    assertThat(sampling().cfgScale()).isEqualTo(1);
  }
}
