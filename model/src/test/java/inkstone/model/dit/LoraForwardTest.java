package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.TransformerConfig;
import inkstone.loader.safetensors.SafetensorsWriter;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.lora.LinearLayers;
import inkstone.model.lora.LoraFile;
import inkstone.model.lora.LoraFiles;
import inkstone.model.lora.LoraSet;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Forwards of the embedded transformer with LoRA files in all their spellings. */
final class LoraForwardTest {
  private static final List<LatentGrid> GRIDS = List.of(new LatentGrid(3, 4), new LatentGrid(2, 2));
  private static final int TEXT = 5;
  @TempDir Path folder;
  private final TensorArena arena = TensorArena.open("test");
  private TransformerConfig config;
  private Golden golden;
  private int files;

  @BeforeEach
  void open() throws IOException {
    config = TransformerConfig.read(Golden.tinyModel().resolve("transformer"));
    golden = Golden.open("lora/a");
  }

  @AfterEach
  void close() {
    golden.close();
    arena.close();
  }

  private float[] forward(int threads, LoraFile... loras) throws IOException {
    try (TensorArena own = TensorArena.open("forward");
        Compute compute = Compute.open(threads)) {
      LoraSet set = LoraSet.open(own, config, List.of(loras));
      Weights weights = Weights.open(own, Golden.tinyModel().resolve("transformer"));
      var transformer = new QwenImageTransformer(compute, config, weights, set);
      TensorArena run = own.child("run");
      DitState state = transformer.newState(run, TEXT, GRIDS);
      assertThat(run.allocatedBytes()).isEqualTo(transformer.stateBytes(TEXT, GRIDS));
      Tensor image = RandomTransformer.random(own, 1, "image", 16, config.inChannels());
      Tensor text = RandomTransformer.random(own, 2, "text", TEXT, config.jointAttentionDim());
      return transformer.forward(state, image, text, 0.7f, Taps.NONE).toFloatArray();
    }
  }

  private LoraFile write(SafetensorsWriter file) {
    return LoraFile.of(file.write(folder.resolve("lora" + files++ + ".safetensors")));
  }

  private LoraFile a() {
    return LoraFile.of(Golden.path("lora/a.safetensors"));
  }

  @Test
  void theTableHasEveryLinearLayerThatTheTransformerReads() throws IOException {
    Weights weights = Weights.open(arena, Golden.tinyModel().resolve("transformer"));
    List<String> linear = new ArrayList<>();
    for (String name : weights.names()) {
      if (name.endsWith(".bias")) {
        linear.add(name.substring(0, name.length() - ".bias".length()));
      }
    }
    Map<String, LinearLayers.Size> layers = LinearLayers.of(config);
    assertThat(layers.keySet()).containsExactlyInAnyOrderElementsOf(linear);
    for (Map.Entry<String, LinearLayers.Size> layer : layers.entrySet()) {
      Tensor weight = weights.read(layer.getKey() + ".weight");
      assertThat(weight.shape().toString()).isEqualTo(layer.getValue().toString());
    }
  }

  @Test
  void everyLayerOfTheTableAnswersToItsAdapter() throws IOException {
    float[] plain = forward(2);
    for (String path : LinearLayers.of(config).keySet()) {
      if (path.startsWith("transformer_blocks.") && !path.startsWith("transformer_blocks.1.")) {
        continue; // one block stands for all
      }
      LinearLayers.Size size = LinearLayers.of(config).get(path);
      var random = new java.util.Random(path.hashCode());
      SafetensorsWriter one =
          new SafetensorsWriter()
              .f32(path + ".lora_A.weight", LoraFiles.random(random, 2, size.in(), 1), 2, size.in())
              .f32(
                  path + ".lora_B.weight",
                  LoraFiles.random(random, size.out(), 2, 1),
                  size.out(),
                  2);
      assertThat(forward(2, write(one))).as(path).isNotEqualTo(plain);
    }
  }

  @Test
  void allSpellingsHaveEqualBits() throws IOException {
    float[] expected = forward(2, a());
    assertThat(expected).isNotEqualTo(forward(2));
    Map<String, LoraFiles.Pair> pairs = LoraFiles.of(golden);
    UnaryOperator<String> flat = path -> path.replace('.', '_');
    List<SafetensorsWriter> spellings = new ArrayList<>();
    for (String prefix :
        List.of(
            "",
            "transformer.",
            "diffusion_model.",
            "model.diffusion_model.",
            "base_model.model.",
            "base_model.model.transformer.",
            "base_model.model.diffusion_model.")) {
      for (String[] ending :
          List.of(
              new String[] {".lora_A.weight", ".lora_B.weight"},
              new String[] {".lora_A.default.weight", ".lora_B.default.weight"},
              new String[] {".lora_down.weight", ".lora_up.weight"},
              new String[] {".lora.down.weight", ".lora.up.weight"},
              new String[] {"_lora.down.weight", "_lora.up.weight"},
              new String[] {".lora_linear_layer.down.weight", ".lora_linear_layer.up.weight"},
              new String[] {".lora_A", ".lora_B"})) {
        spellings.add(LoraFiles.spelled(pairs, prefix::concat, ending[0], ending[1]));
      }
    }
    for (String prefix : List.of("lora_unet_", "lycoris_")) {
      spellings.add(
          LoraFiles.spelled(
              pairs, path -> prefix + flat.apply(path), ".lora_down.weight", ".lora_up.weight"));
    }
    SafetensorsWriter withAlpha =
        LoraFiles.spelled(pairs, UnaryOperator.identity(), ".lora_down.weight", ".lora_up.weight");
    pairs.forEach((path, pair) -> withAlpha.f32(path + ".alpha", new float[] {pair.down().dim(0)}));
    spellings.add(withAlpha);
    for (SafetensorsWriter spelling : spellings) {
      TensorAssert.assertBits(spelling.header(), expected, forward(2, write(spelling)));
    }
  }

  @Test
  void threadsChangeNoBit() throws IOException {
    List<LoraFile> all = new ArrayList<>(List.of(a(), write(LoraFiles.everyLayer(config, 3, 9))));
    for (String name : List.of("loha", "lokr", "delta", "b")) {
      all.add(new LoraFile(Golden.path("lora/" + name + ".safetensors"), -0.5));
    }
    LoraFile[] loras = all.toArray(LoraFile[]::new);
    float[] one = forward(1, loras);
    assertThat(one).isNotEqualTo(forward(1, a()));
    TensorAssert.assertBits("2 threads", one, forward(2, loras));
    TensorAssert.assertBits("5 threads", one, forward(5, loras));
  }

  @Test
  void aScaleOfNothingIsNoLoraAtAll() throws IOException {
    TensorAssert.assertBits("scale 0", forward(2), forward(2, new LoraFile(a().path(), 0)));
  }

  @Test
  void twoHalvesMakeAWhole() throws IOException {
    LoraFile half = new LoraFile(a().path(), 0.5);
    TensorAssert.assertRel("halves", forward(2, a()), forward(2, half, half), 1e-4);
  }

  @Test
  void aBiasBehindBIsAddedWithTheSameScale() throws IOException {
    Map<String, LoraFiles.Pair> pairs = Map.of("proj_out", LoraFiles.of(golden).get("proj_out"));
    float[] bias = LoraFiles.random(new java.util.Random(4), 1, 64, 1);
    float[] plain = forward(2, write(spelled(pairs).f32("proj_out.alpha", new float[] {2})));
    float[] shifted =
        forward(
            2,
            write(
                spelled(pairs)
                    .f32("proj_out.alpha", new float[] {2})
                    .f32("proj_out.lora_B.bias", bias, 64)));
    for (int i = 0; i < plain.length; i++) {
      plain[i] += 0.5f * bias[i % 64]; // alpha 2 over rank 4
    }
    TensorAssert.assertRel("bias", plain, shifted, 1e-6);
  }

  private static SafetensorsWriter spelled(Map<String, LoraFiles.Pair> pairs) {
    return LoraFiles.spelled(pairs, UnaryOperator.identity(), ".lora_A.weight", ".lora_B.weight");
  }
}
