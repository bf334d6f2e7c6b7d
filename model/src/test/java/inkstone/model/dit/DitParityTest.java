package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.json.Json;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against diffusers' QwenImageTransformer2DModel in float32; docs/parity.md has the figures. */
class DitParityTest {
  /** Largest error over the root mean square; measured at most 1.6e-5 (output 1.1e-5). */
  private static final double STREAM = 5e-5;

  /** The same for layers before the first block; measured at most 5.7e-6. */
  private static final double INPUT = 1e-5;

  /** Absolute, of cosines and sines; measured at most 6.0e-8. */
  private static final double ANGLE = 5e-7;

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tiny_0",
        "tiny_0_first",
        "tiny_0_last",
        "tiny_0_odd",
        "tiny_0_row",
        "tiny_0_one",
        "tiny_0_zero",
        "tiny_1",
        "tiny_1_larger",
        "tiny_1_taps",
        "tiny_2",
        "tiny_3",
        "h32_0",
        "h32_1",
        "h32_2",
        "h32_3",
        "h64_0",
        "h64_1",
        "h64_2",
        "h64_3",
        "tcond_0",
        "tcond_1",
        "tcond_2",
        "tcond_3",
        "z4_0",
        "z4_1",
        "z4_2",
        "z4_3",
        "full_0",
        "full_1",
        "full_2",
        "full_3"
      })
  void everyGoldenTensorIsMet(String name) throws CheckpointException {
    try (Golden golden = Golden.open("dit/" + name);
        Compute compute = Compute.open(2)) {
      Json request = golden.request();
      Path folder = Golden.root().resolve(request.get("model").asString());
      Weights weights = Weights.open(golden.arena(), folder);
      var transformer = new QwenImageTransformer(compute, TransformerConfig.read(folder), weights);
      assertThat(weights.audit().unread()).as("weights that no layer reads").isEmpty();

      List<LatentGrid> grids = new ArrayList<>();
      for (Json grid : request.get("grids").items()) {
        grids.add(new LatentGrid(grid.items().get(0).asInt(), grid.items().get(1).asInt()));
      }
      DitState state =
          transformer.newState(golden.arena(), request.get("text_tokens").asInt(), grids);
      if (golden.has("pos_embed.text_offset")) {
        assertThat(AxialRope.textStart(grids)).isEqualTo(golden.ints("pos_embed.text_offset")[0]);
      }

      Comparison comparison = new Comparison(name, golden);
      Tensor image = golden.tensor("image_tokens");
      Tensor text = golden.tensor("text");
      float timestep = golden.floats("timestep")[0];
      Tensor velocity =
          request.get("additional_t_cond").isNull()
              ? transformer.forward(state, image, text, timestep, comparison)
              : transformer.forward(
                  state,
                  image,
                  text,
                  timestep,
                  request.get("additional_t_cond").asInt(),
                  comparison);
      TensorAssert.assertRel(name + " output", golden.tensor("output"), velocity, STREAM);
      assertThat(comparison.missing()).as("golden taps that the forward never gave").isEmpty();
    }
  }

  /** Compares each tap that the golden has, as it comes. */
  private static final class Comparison implements Taps {
    private static final Set<String> NOT_TAPS =
        Set.of("image_tokens", "text", "timestep", "output", "pos_embed.text_offset");
    private static final Set<String> TARGET_ROWS = Set.of("norm_out", "proj_out");

    private final String name;
    private final Golden golden;
    private final Set<String> missing;

    Comparison(String name, Golden golden) {
      this.name = name;
      this.golden = golden;
      missing = new HashSet<>(golden.names());
      missing.removeAll(NOT_TAPS);
    }

    @Override
    public void tap(String key, Tensor value) {
      if (!missing.remove(key)) {
        return;
      }
      Tensor expected = golden.tensor(key);
      if (TARGET_ROWS.contains(key)) {
        expected = expected.rows(0, value.dim(0)); // the reference computes all image rows
      }
      String what = name + " " + key;
      if (key.startsWith("pos_embed")) {
        TensorAssert.assertAbs(what, expected, value, ANGLE);
      } else {
        boolean stream = key.startsWith("transformer_blocks") || TARGET_ROWS.contains(key);
        TensorAssert.assertRel(what, expected, value, stream ? STREAM : INPUT);
      }
    }

    Set<String> missing() {
      return missing;
    }
  }
}
