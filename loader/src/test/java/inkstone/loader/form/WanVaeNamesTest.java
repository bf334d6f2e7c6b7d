package inkstone.loader.form;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.json.Json;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** Wan's names become those that diffusers' converter gives; reference/wan_vae.py made them. */
final class WanVaeNamesTest {
  private static Map<String, String> golden() throws CheckpointException {
    Map<String, String> storedByName = new TreeMap<>();
    for (Map.Entry<String, Json> entry : Golden.json("wan_vae_names.json").fields().entrySet()) {
      storedByName.put(entry.getValue().asString(), entry.getKey());
    }
    return storedByName;
  }

  @Test
  void asDiffusersConvertsThem() throws CheckpointException {
    Map<String, String> golden = golden();
    assertThat(golden).hasSize(194);
    Set<String> stored = new HashSet<>(golden.values());
    assertThat(WanVaeNames.uses(stored)).isTrue();
    assertThat(WanVaeNames.of(stored)).isEqualTo(golden);
    assertThat(WanVaeNames.uses(golden.keySet())).isFalse();
  }

  @Test
  void stagesOfAnyDepth() {
    Map<String, String> names =
        WanVaeNames.of(
            Set.of(
                "decoder.upsamples.0.residual.2.weight",
                "decoder.upsamples.1.resample.1.weight",
                "decoder.upsamples.2.shortcut.weight",
                "decoder.upsamples.3.time_conv.weight",
                "decoder.upsamples.3.resample.1.weight",
                "decoder.upsamples.4.residual.6.bias"));
    assertThat(names)
        .containsEntry(
            "decoder.up_blocks.0.resnets.0.conv1.weight", "decoder.upsamples.0.residual.2.weight")
        .containsEntry(
            "decoder.up_blocks.1.resnets.0.conv_shortcut.weight",
            "decoder.upsamples.2.shortcut.weight")
        .containsEntry(
            "decoder.up_blocks.1.upsamplers.0.time_conv.weight",
            "decoder.upsamples.3.time_conv.weight")
        .containsEntry(
            "decoder.up_blocks.2.resnets.0.conv2.bias", "decoder.upsamples.4.residual.6.bias");
  }
}
