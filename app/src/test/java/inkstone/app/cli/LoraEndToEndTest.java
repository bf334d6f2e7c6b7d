package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.safetensors.SafetensorsWriter;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code --lora} with the engine and the embedded model. */
final class LoraEndToEndTest {
  @TempDir Path folder;
  private CliHarness cli;

  @BeforeEach
  void open() {
    cli = new CliHarness(folder);
    cli.engines = Engine::open;
  }

  private CliHarness.Outcome generate(Object... more) {
    Object[] args = new Object[13 + more.length];
    Object[] first = {
      "generate",
      "-p",
      "A red circle.",
      "-o",
      cli.output(),
      "--steps",
      2,
      "-s",
      7,
      "-W",
      64,
      "-H",
      48
    };
    System.arraycopy(first, 0, args, 0, first.length);
    System.arraycopy(more, 0, args, first.length, more.length);
    return cli.run(args);
  }

  @Test
  void aPictureCarriesItsLorasAndCanBeMadeAgain() throws Exception {
    Path a = Golden.path("lora/a.safetensors");
    Path b = Golden.path("lora/b.safetensors");
    assertThat(generate().code()).isZero();
    var plain = CliHarness.read(cli.output());
    CliHarness.Outcome outcome = generate("--lora", a + ":0.7", "--lora", b, "--json");
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.out()).contains("\"loras\":[\"" + a + ":0.7\",\"" + b + ":1\"]");
    var picture = CliHarness.read(cli.output());
    assertThat(picture).isNotEqualTo(plain);
    CliHarness.Outcome metadata = cli.run("metadata", cli.output(), "--as-cli");
    assertThat(metadata.out()).contains("--lora " + a + ":0.7 --lora " + b + ":1");
    assertThat(cli.again(metadata.out().strip()).code()).isZero();
    assertThat(CliHarness.read(folder.resolve("out-again.png"))).isEqualTo(picture);
  }

  @Test
  void aLoraOfAnotherModelEndsWithCode3AndTwoLines() {
    Path flux =
        new SafetensorsWriter()
            .f32("double_blocks.0.img_attn.qkv.lora_A.weight", new float[] {1}, 1, 1)
            .write(folder.resolve("flux.safetensors"));
    CliHarness.Outcome outcome = generate("--lora", flux);
    assertThat(outcome.code()).isEqualTo(3);
    assertThat(outcome.errLines()).hasSize(2);
    assertThat(outcome.errLines().getFirst())
        .contains("no key matches a layer of this model")
        .contains("double_blocks.0.img_attn.qkv");
    assertThat(outcome.errLines().getLast()).contains("give a LoRA of Qwen-Image");
    assertThat(cli.output()).doesNotExist();
  }

  @Test
  void whatMatchesNothingIsSaidInAWarning() {
    SafetensorsWriter file = new SafetensorsWriter();
    for (String module : new String[] {"img_in", "single_blocks.0", "single_blocks.1"}) {
      file.f32(module + ".lora_A.weight", new float[64], 1, 64)
          .f32(module + ".lora_B.weight", new float[256], 256, 1);
    }
    CliHarness.Outcome outcome =
        generate("--lora", file.write(folder.resolve("mixed.safetensors")));
    assertThat(outcome.code()).as(outcome.err()).isZero();
    assertThat(outcome.err())
        .contains("warning: LoRA ")
        .contains(
            "2 of 3 modules match no layer of this model: \"single_blocks.0\","
                + " \"single_blocks.1\"");
  }
}
