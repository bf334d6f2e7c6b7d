package inkstone.model.lora;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.model.schedule.FlowMatchEuler;
import inkstone.model.schedule.Schedule;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Which files are Lightning, and its sigmas against diffusers under the published settings. */
final class LightningParityTest {
  @TempDir Path folder;

  @ParameterizedTest
  @CsvSource({"4,16", "4,4096", "4,6889", "8,16", "8,4096", "8,6889"})
  void aStaticShiftGivesTheSigmasOfTheDynamicOne(int steps, int tokens) throws IOException {
    SchedulerConfig config =
        SchedulerConfig.read(Golden.tinyModel().resolve("scheduler"))
            .withStaticShift(Lightning.SHIFT);
    assertThat(SchedulerConfig.read(Golden.tinyModel()).shiftTerminal()).isPositive();
    Schedule schedule = FlowMatchEuler.schedule(config, steps, tokens);
    try (Golden golden = Golden.open("lora/lightning_schedule")) {
      String key = "." + steps + "." + tokens;
      TensorAssert.assertAbs(key, golden.floats("sigmas" + key), schedule.sigmas(), 1e-6);
      TensorAssert.assertAbs(key, golden.floats("timesteps" + key), schedule.timesteps(), 1e-3);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "Qwen-Image-Lightning-4steps-V1.0.safetensors,4",
    "Qwen-Image-Lightning-8steps-V1.1-bf16.safetensors,8",
    "Qwen-Image-Edit-Lightning-8steps-V1.0.safetensors,8",
    "Qwen-Image-Edit-2509-Lightning-4steps-V1.0-fp32.safetensors,4",
    "qwen_image_edit_2511_lightning_4steps_v1.0.safetensors,4"
  })
  void publishedNamesAreKnown(String name, int steps) throws IOException {
    assertThat(Lightning.of(write(name, lora()))).contains(new Lightning(steps));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "lightning.safetensors",
        "Qwen-Image-4steps.safetensors",
        "Qwen-Image-Lightning-16steps.safetensors",
        "Qwen-Image-Lightning-14steps.safetensors",
        "sdxl_lightning_4step_lora.safetensors",
        "Qwen-Image-Lightning.safetensors"
      })
  void othersAreNot(String name) throws IOException {
    assertThat(Lightning.of(write(name, lora()))).isEmpty();
  }

  @Test
  void metadataCountsBeforeTheName() throws IOException {
    SafetensorsWriter file =
        lora().metadata("ss_output_name", "Qwen-Image-Edit-Lightning-8steps-V1.0");
    assertThat(Lightning.of(write("renamed.safetensors", file))).contains(new Lightning(8));
    assertThat(Lightning.of("x", Map.of("long", "qwen-image-lightning-4steps ".repeat(1000))))
        .isEmpty();
  }

  @Test
  void aWholeModelOfThatNameIsNoLora() throws IOException {
    SafetensorsWriter model = new SafetensorsWriter().f32("img_in.weight", new float[] {1}, 1, 1);
    assertThat(Lightning.of(write("Qwen-Image-Lightning-4steps-V1.0.safetensors", model)))
        .isEmpty();
  }

  private static SafetensorsWriter lora() {
    return new SafetensorsWriter()
        .f32("img_in.lora_down.weight", new float[] {1}, 1, 1)
        .f32("img_in.lora_up.weight", new float[] {1}, 1, 1);
  }

  private Path write(String name, SafetensorsWriter file) {
    return file.write(folder.resolve(name));
  }
}
