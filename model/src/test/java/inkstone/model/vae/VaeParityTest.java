package inkstone.model.vae;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Encoder and decoder against diffusers in float32: every file of {@code golden/vae}. */
class VaeParityTest {
  private static final double LATENTS = 1e-4;
  private static final double PIXELS = 5e-5;
  private static final double STAGES = 1e-4;

  static List<String> cases() throws IOException {
    try (Stream<Path> files = Files.list(Golden.path("vae"))) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.endsWith(".safetensors"))
          .sorted()
          .toList();
    }
  }

  @Test
  void theCasesCoverBothDirectionsTilesAndOtherConfigs() throws IOException {
    assertThat(cases())
        .hasSizeGreaterThanOrEqualTo(20)
        .anyMatch(name -> name.contains("taps"))
        .anyMatch(name -> name.contains("tiled"))
        .anyMatch(name -> name.startsWith("attention"))
        .anyMatch(name -> name.startsWith("uneven"))
        .anyMatch(name -> name.startsWith("short"))
        .anyMatch(name -> name.startsWith("tiny_64x64"))
        .anyMatch(name -> name.startsWith("tiny_48x80"));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void equalsDiffusers(String name) throws CheckpointException {
    try (Golden golden = Golden.open("vae/" + name)) {
      Path model = Golden.root().resolve(golden.request().get("model").asString());
      Tiling tiling = tiling(golden.request().get("tiling"));
      try (TinyVae vae = new TinyVae(model, Compute.open(2))) {
        Set<String> seen = new HashSet<>();
        Taps taps = compareWith(golden, name, seen);
        if (golden.has("encoded")) {
          Tensor latents = vae.encoder.encode(vae.arena, pixels(vae.arena, golden), tiling, taps);
          TensorAssert.assertRel(name + " encoded", golden.tensor("encoded"), latents, LATENTS);
          new LatentStats(vae.config).normalize(latents);
          TensorAssert.assertRel(
              name + " normalized", golden.tensor("normalized"), latents, LATENTS);
        }
        if (golden.has("decoded")) {
          Tensor pixels = vae.decoder.decode(vae.arena, golden.tensor("latents"), tiling, taps);
          TensorAssert.assertAbs(name + " decoded", golden.tensor("decoded"), pixels, PIXELS);
        }
        assertThat(seen).as("taps of %s", name).containsAll(stages(golden));
      }
    }
  }

  /** Stage outputs of the file; the last norm is fused with its SiLU here and has no value. */
  private static Set<String> stages(Golden golden) {
    Set<String> stages = new HashSet<>(golden.names());
    stages.removeIf(key -> !key.matches("(encoder|decoder|quant_conv|post_quant_conv)(\\..*)?"));
    stages.removeIf(key -> key.endsWith("norm_out"));
    return stages;
  }

  private static Taps compareWith(Golden golden, String name, Set<String> seen) {
    Set<String> stages = stages(golden);
    return new Taps() {
      @Override
      public void tap(String key, Tensor value) {
        if (stages.contains(key)) {
          seen.add(key);
          TensorAssert.assertRel(name + " " + key, golden.tensor(key), value, STAGES);
        }
      }
    };
  }

  /** 8-bit pixels to -1..1, in the order of operations of the image processor. */
  private static Tensor pixels(TensorArena arena, Golden golden) {
    Tensor rgb = golden.tensor("rgb");
    Tensor pixels = Tensor.f32(arena, "pixels", rgb.shape().toArray());
    for (long i = 0; i < rgb.elements(); i++) {
      pixels.setFloat(i, rgb.getFloat(i) / 255f * 2f - 1f);
    }
    return pixels;
  }

  private static Tiling tiling(Json json) throws CheckpointException {
    return json.isNull()
        ? Tiling.OFF
        : new Tiling(
            json.get("tile_height").asInt(),
            json.get("tile_width").asInt(),
            json.get("stride_height").asInt(),
            json.get("stride_width").asInt());
  }
}
