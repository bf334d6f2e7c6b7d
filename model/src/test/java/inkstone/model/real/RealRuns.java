package inkstone.model.real;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Weights;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.config.VaeConfig;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.model.dit.QwenImageTransformer;
import inkstone.model.text.ImageFeatures;
import inkstone.model.text.RopePositions;
import inkstone.model.text.TextEncoder;
import inkstone.model.text.VisionTower;
import inkstone.model.vae.Tiling;
import inkstone.model.vae.VaeDecoder;
import inkstone.model.vae.VaeEncoder;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.BiConsumer;

/** Runs a case and compares all that it has; the tolerances are those of docs/parity.md. */
final class RealRuns {
  private static final double DIT_STREAM = 5e-5;
  private static final double DIT_INPUT = 1e-5;
  private static final double ANGLE = 5e-7;
  private static final double TEXT = 2e-5;
  private static final double LATENTS = 1e-4;
  private static final double PIXELS = 5e-5;

  /** Of the same numbers; the sums are rounded to floats. */
  private static final double EQUAL = 2e-7;

  private RealRuns() {}

  static void dit(RealCase golden, Compute compute, Weights weights) throws CheckpointException {
    TransformerConfig config = TransformerConfig.parse(golden.config(), golden.name());
    var transformer = new QwenImageTransformer(compute, config, weights);
    assertThat(weights.audit().unread()).as("weights that no layer reads").isEmpty();
    Json request = golden.request();
    List<LatentGrid> grids = new ArrayList<>();
    for (Json grid : request.get("grids").items()) {
      grids.add(new LatentGrid(grid.items().get(0).asInt(), grid.items().get(1).asInt()));
    }
    try (TensorArena arena = TensorArena.open("real dit")) {
      Comparison comparison = golden.comparison();
      Taps taps =
          taps((key, value) -> {
            if (key.startsWith("pos_embed")) {
              comparison.absolute(key, value, ANGLE);
            } else {
              boolean input = key.endsWith("_in") || key.equals("time_text_embed");
              comparison.relative(key, value, input ? DIT_INPUT : DIT_STREAM);
            }
          });
      Tensor velocity =
          transformer.forward(
              transformer.newState(arena, request.get("text_tokens").asInt(), grids),
              golden.input("image_tokens"),
              golden.input("text"),
              (float) request.get("timestep").asDouble(),
              taps);
      comparison.relative("output", velocity, DIT_STREAM);
      comparison.relative("untouched.output", velocity, DIT_STREAM);
      comparison.finish();
    }
  }

  /** The decoder reads the features that the vision tower here gives. */
  static void text(RealCase golden, Compute compute, Weights weights) throws CheckpointException {
    TextEncoderConfig config = TextEncoderConfig.parse(golden.config(), golden.name());
    var vision = new VisionTower(compute, config, weights);
    var decoder = new TextEncoder(compute, config, weights);
    assertThat(weights.audit().unread()).containsExactly("lm_head.weight");
    int rows = golden.request().get("grid").items().get(0).asInt();
    int columns = golden.request().get("grid").items().get(1).asInt();
    int[] ids = ints(golden.input("input_ids"));
    try (TensorArena arena = TensorArena.open("real text")) {
      Comparison comparison = golden.comparison();
      comparison.relative("made.pixel_values", golden.input("pixel_values"), EQUAL);
      Taps taps = taps((key, value) -> comparison.relative(key, value, TEXT));
      Tensor embeds = vision.forward(arena, golden.input("pixel_values"), rows, columns, taps);
      comparison.relative("image_embeds", embeds, TEXT);
      List<ImageFeatures> images = List.of(new ImageFeatures(embeds, rows, columns));
      comparison.relative("hidden", decoder.forward(arena, ids, images, taps), TEXT);
      Tensor onGrid = decoder.forward(arena, ids, images, RopePositions.IMAGE_GRID, Taps.NONE);
      comparison.relative("mrope3d.hidden", onGrid, TEXT);
      comparison.finish();
    }
  }

  private static Taps taps(BiConsumer<String, Tensor> each) {
    return new Taps() {
      @Override
      public void tap(String key, Tensor value) {
        each.accept(key, value);
      }
    };
  }

  private static int[] ints(Tensor tensor) {
    int[] values = new int[Math.toIntExact(tensor.elements())];
    Arrays.setAll(values, i -> Math.toIntExact(tensor.getLong(i)));
    return values;
  }

  static void vae(RealCase golden, Compute compute, Weights weights) throws CheckpointException {
    VaeConfig config = VaeConfig.parse(golden.config(), golden.name());
    try (TensorArena arena = TensorArena.open("real vae")) {
      var encoder = new VaeEncoder(compute, arena, config, weights);
      var decoder = new VaeDecoder(compute, arena, config, weights);
      Comparison comparison = golden.comparison();
      Taps taps = taps((key, value) -> comparison.relative(key, value, LATENTS));
      Tensor rgb = golden.input("rgb");
      Tensor pixels = Tensor.f32(arena, "pixels", rgb.shape().toArray());
      for (long i = 0; i < rgb.elements(); i++) {
        pixels.setFloat(i, rgb.getFloat(i) / 255f * 2f - 1f);
      }
      comparison.relative("encoded", encoder.encode(arena, pixels, Tiling.OFF, taps), LATENTS);
      Tensor latents = golden.input("latents");
      comparison.absolute("decoded", decoder.decode(arena, latents, Tiling.OFF, taps), PIXELS);
      comparison.finish();
    }
  }
}
