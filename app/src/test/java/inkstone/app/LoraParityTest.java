package inkstone.app;

import static inkstone.tensor.TensorAssert.assertAbs;
import static inkstone.tensor.TensorAssert.assertRel;
import static inkstone.tensor.TensorAssert.show;
import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.image.PictureReader;
import inkstone.loader.Golden;
import inkstone.loader.json.Json;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.model.lora.LoraFile;
import inkstone.model.pipeline.CancelToken;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.FlowShift;
import inkstone.model.pipeline.GenerateRequest;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.VaeTiling;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Pictures with LoRA, LoHa and LoKr files against diffusers, peft and merged weights. */
final class LoraParityTest {
  /** As in EndToEndParityTest. */
  private static final int MAX_LEVELS = 2;

  private static final double MEAN_LEVELS = 0.2;
  private static final double VELOCITY_REL = 5e-4;
  private static final double SIGMA_ABS = 1e-6;

  static Stream<String> cases() throws IOException {
    try (Stream<Path> files = Files.list(Golden.path("lora/cases"))) {
      return files.map(f -> f.getFileName().toString()).sorted().toList().stream();
    }
  }

  @Test
  void everyKindIsThere() throws IOException {
    assertThat(cases())
        .containsExactly(
            "plus_a_b.safetensors",
            "plus_a_cfg.safetensors",
            "t2i_a.safetensors",
            "t2i_b.safetensors",
            "t2i_delta.safetensors",
            "t2i_lightning_4.safetensors",
            "t2i_loha.safetensors",
            "t2i_lokr.safetensors",
            "t2i_metadata.safetensors");
  }

  @ParameterizedTest
  @MethodSource("cases")
  void givesThePictureOfTheReference(String name) throws IOException {
    try (Golden golden = Golden.open("lora/cases/" + name)) {
      Json request = golden.request();
      List<LoraFile> loras = new ArrayList<>();
      for (Json lora : request.get("loras").items()) {
        loras.add(
            new LoraFile(
                Golden.root().resolve(lora.get("path").asString()), lora.get("scale").asDouble()));
      }
      Map<String, float[]> seen = new HashMap<>();
      Taps taps =
          new Taps() {
            @Override
            public void tap(String key, Tensor value) {
              if (key.equals("latents") || key.equals("sigmas")) {
                seen.put(key, value.toFloatArray());
              }
            }
          };
      try (Inkstone engine =
          Inkstone.open(Golden.tinyModel(), new EngineOptions(2).withLoras(loras))) {
        assertThat(engine.loraWarnings()).isEmpty();
        Result result = run(engine, request, taps);
        assertRel(name + " latents", golden.floats("latents"), seen.get("latents"), VELOCITY_REL);
        if (golden.has("sigmas")) {
          assertAbs(name + " sigmas", golden.floats("sigmas"), seen.get("sigmas"), SIGMA_ABS);
        }
        comparePictures(name, golden.tensor("image"), result.image());
      }
    }
  }

  private static Result run(Inkstone engine, Json request, Taps taps) throws IOException {
    String negative =
        request.get("negative_prompt").isNull() ? null : request.get("negative_prompt").asString();
    OutputSize size =
        new OutputSize.Exact(request.get("width").asInt(), request.get("height").asInt());
    Sampling sampling =
        new Sampling(
            request.get("steps").asInt(),
            request.get("cfg").asDouble(),
            request.get("seed").asLong(),
            request.has("scheduler") ? new FlowShift.Static(3) : FlowShift.AUTO,
            List.of());
    List<Image> pictures = new ArrayList<>();
    for (Json picture : request.get("pictures").items()) {
      pictures.add(PictureReader.read(Golden.root().resolve(picture.asString())));
    }
    String prompt = request.get("prompt").asString();
    return pictures.isEmpty()
        ? engine.generate(
            new GenerateRequest(prompt, negative, size, sampling, VaeTiling.OFF),
            Listener.NONE,
            new CancelToken(),
            taps)
        : engine.edit(
            new EditRequest(
                prompt, negative, pictures, size, sampling, VaeTiling.OFF, RefCache.DEFAULT),
            Listener.NONE,
            new CancelToken(),
            taps);
  }

  private static void comparePictures(String name, Tensor expected, Image actual) {
    assertThat(actual.rgb()).hasSize(Math.toIntExact(expected.elements()));
    int worst = 0;
    long sum = 0;
    for (int i = 0; i < actual.rgb().length; i++) {
      int difference = Math.abs((actual.rgb()[i] & 0xff) - (int) expected.getLong(i));
      worst = Math.max(worst, difference);
      sum += difference;
    }
    double mean = sum / (double) actual.rgb().length;
    show("%s: picture, levels of 255: %d, mean %.3g".formatted(name, worst, mean));
    assertThat(worst).as("largest difference of %s", name).isLessThanOrEqualTo(MAX_LEVELS);
    assertThat(mean).as("mean difference of %s", name).isLessThan(MEAN_LEVELS);
  }
}
