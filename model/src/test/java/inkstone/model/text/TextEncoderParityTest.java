package inkstone.model.text;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.ProcessorConfig;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.model.image.Patches;
import inkstone.model.image.Preprocess;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Tokens, vision tower, every decoder layer and the prompt's embeddings against transformers and
 * diffusers in float32. Errors are relative to the root mean square of the expected values.
 */
class TextEncoderParityTest {
  /** Measured at most 4.5e-6, at the patch embedding's sums of 1,176 products. */
  private static final double VISION_REL = 2e-5;

  /** Measured at most 2.9e-6, over layers and embeddings. */
  private static final double LAYER_REL = 2e-5;

  private static final double MIN_COSINE = 0.99999;

  private final TensorArena arena = TensorArena.open("test");
  private final Compute compute = Compute.open(2);

  @AfterEach
  void close() {
    compute.close();
    arena.close();
  }

  /** One model folder. */
  private record Model(TextEncoderConfig config, VisionTower vision, TextEncoder decoder) {}

  private Model open(Path folder) throws IOException {
    TextEncoderConfig config = TextEncoderConfig.read(folder);
    Weights weights = Weights.open(arena, folder);
    return new Model(
        config,
        new VisionTower(compute, config, weights),
        new TextEncoder(compute, config, weights));
  }

  private static String[] tinyCases() {
    return new String[] {
      "t2i",
      "t2i_blank",
      "t2i_empty",
      "t2i_unicode",
      "t2i_braces",
      "t2i_long",
      "plus_1",
      "plus_1_plate",
      "plus_1_tall",
      "plus_1_blank",
      "plus_1_unicode",
      "plus_2",
      "plus_3",
      "edit_1",
      "edit_1_plate",
      "edit_1_blank"
    };
  }

  @Test
  void tokensOfEveryPromptAreEqual() throws IOException {
    QwenTokenizer tokenizer = QwenTokenizer.read(TokenizerGolden.tiny());
    Model model = open(Golden.tinyModel().resolve("text_encoder"));
    for (String name : tinyCases()) {
      try (Golden golden = Golden.open("text/" + name)) {
        PromptTemplate template =
            switch (golden.request().get("pipeline").asString()) {
              case "QwenImagePipeline" -> PromptTemplate.TEXT_TO_IMAGE;
              case "QwenImageEditPlusPipeline" -> PromptTemplate.EDIT_PLUS;
              default -> PromptTemplate.EDIT;
            };
        List<int[]> grids = grids(golden);
        String text = template.apply(golden.request().get("prompt").asString(), grids.size());
        int[] ids = tokenizer.encode(text);
        ids = template.truncate(ids);
        assertThat(model.decoder().expandImagePads(ids, grids))
            .as(name)
            .isEqualTo(golden.ints("input_ids"));
        assertThat(template.drop()).isEqualTo(golden.request().get("drop").asInt());
      }
    }
  }

  @Test
  void embeddingsOfEveryPrompt() throws IOException {
    Model model = open(Golden.tinyModel().resolve("text_encoder"));
    for (String name : tinyCases()) {
      try (Golden golden = Golden.open("text/" + name)) {
        TapRecorder taps = new TapRecorder();
        Tensor hidden =
            model.decoder().forward(arena, golden.ints("input_ids"), features(golden, model), taps);
        Tensor embeds = hidden.rows(golden.request().get("drop").asInt(), hidden.dim(0));
        if (golden.has("prompt_embeds.tail")) {
          embeds = embeds.rows(0, PromptTemplate.TEXT_TO_IMAGE.maxEmbeds());
          embeds = embeds.rows(embeds.dim(0) - 16, embeds.dim(0));
          check(name, golden.tensor("prompt_embeds.tail"), embeds, LAYER_REL);
        } else {
          check(name, golden.tensor("prompt_embeds"), embeds, LAYER_REL);
        }
        checkLayers(name, golden, taps);
        if (golden.has("mrope3d.prompt_embeds")) {
          Tensor grid = forwardOnGrid(model, golden);
          check(
              name + " mrope3d",
              golden.tensor("mrope3d.prompt_embeds"),
              grid.rows(64, grid.dim(0)),
              LAYER_REL);
        }
      }
    }
  }

  /** Nothing of the reference but the pictures and the ids goes in. */
  @Test
  void fromPicturesToEmbeddings() throws IOException {
    Model model = open(Golden.tinyModel().resolve("text_encoder"));
    ProcessorConfig processor = ProcessorConfig.read(Golden.tinyModel());
    int pictures = 0;
    for (String name : tinyCases()) {
      try (Golden golden = Golden.open("text/" + name)) {
        List<ImageFeatures> images = new ArrayList<>();
        long from = 0;
        for (int[] grid : grids(golden)) {
          Image picture = image(golden.tensor("condition." + images.size()));
          Patches patches = Preprocess.qwen2Vl(arena, picture, processor);
          assertThat(new int[] {patches.gridH(), patches.gridW()}).as(name).isEqualTo(grid);
          Tensor embeds =
              model.vision().forward(arena, patches.pixelValues(), grid[0], grid[1], Taps.NONE);
          Tensor expected = golden.tensor("image_embeds").rows(from, from + embeds.dim(0));
          check(name + " image_embeds", expected, embeds, VISION_REL);
          images.add(new ImageFeatures(embeds, grid[0], grid[1]));
          from += embeds.dim(0);
          pictures++;
        }
        if (!images.isEmpty()) {
          Tensor hidden =
              model.decoder().forward(arena, golden.ints("input_ids"), images, Taps.NONE);
          Tensor embeds = hidden.rows(golden.request().get("drop").asInt(), hidden.dim(0));
          check(name, golden.tensor("prompt_embeds"), embeds, LAYER_REL);
        }
      }
    }
    assertThat(pictures).isEqualTo(13);
  }

  private static Image image(Tensor pixels) {
    byte[] rgb = new byte[Math.toIntExact(pixels.elements())];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) pixels.getLong(i);
    }
    return new Image((int) pixels.dim(1), (int) pixels.dim(0), rgb);
  }

  @Test
  void visionTowerOfTheTinyModel() throws IOException {
    Model model = open(Golden.tinyModel().resolve("text_encoder"));
    try (Golden golden = Golden.open("text/plus_1_plate")) {
      checkVision("plus_1_plate", golden, model);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "gqa_odd",
        "gqa_two",
        "gqa_words",
        "mqa_odd",
        "mqa_words",
        "flat_odd",
        "flat_three"
      })
  void randomConfigs(String name) throws IOException {
    try (Golden golden = Golden.open("text/" + name)) {
      Path folder = Golden.root().resolve(golden.request().get("model").asString());
      Model model = open(folder);
      if (golden.has("pixel_values")) {
        checkVision(name, golden, model);
      }
      TapRecorder taps = new TapRecorder();
      Tensor hidden =
          model.decoder().forward(arena, golden.ints("input_ids"), features(golden, model), taps);
      check(name, golden.tensor("hidden"), hidden, LAYER_REL);
      checkLayers(name, golden, taps);
      assertThat(taps.checkpoints()).isEqualTo(model.config().text().numHiddenLayers());
      if (golden.has("mrope3d.hidden")) {
        int[][] positions =
            TextPositions.of(
                RopePositions.IMAGE_GRID,
                golden.ints("input_ids"),
                model.config().imageTokenId(),
                model.config().vision().spatialMergeSize(),
                features(golden, model));
        int[] flat = Arrays.stream(positions).flatMapToInt(Arrays::stream).toArray();
        assertThat(flat).isEqualTo(golden.ints("mrope3d.position_ids"));
        Tensor grid = forwardOnGrid(model, golden);
        check(name + " mrope3d", golden.tensor("mrope3d.hidden"), grid, LAYER_REL);
      }
    }
  }

  private Tensor forwardOnGrid(Model model, Golden golden) {
    return model
        .decoder()
        .forward(
            arena,
            golden.ints("input_ids"),
            features(golden, model),
            RopePositions.IMAGE_GRID,
            Taps.NONE);
  }

  /** Every picture by itself; the reference has them one behind the other. */
  private void checkVision(String name, Golden golden, Model model) {
    Tensor pixels = golden.tensor("pixel_values");
    int blocks = model.config().vision().depth();
    int merge = model.config().vision().spatialMergeSize();
    long patch = 0;
    for (int[] grid : grids(golden)) {
      long end = patch + (long) grid[0] * grid[1];
      TapRecorder taps = new TapRecorder();
      Tensor embeds =
          model.vision().forward(arena, pixels.rows(patch, end), grid[0], grid[1], taps);
      String what = name + " " + Arrays.toString(grid);
      checkTap(what, golden, "visual.patch_embed", patch, end, taps);
      for (int i = 0; i < blocks; i++) {
        checkTap(what, golden, "visual.blocks." + i, patch, end, taps);
      }
      long square = patch / (merge * merge);
      long squaresEnd = end / (merge * merge);
      checkTap(what, golden, "visual.merger", square, squaresEnd, taps);
      check(
          what + " image_embeds",
          golden.tensor("image_embeds").rows(square, squaresEnd),
          embeds,
          VISION_REL);
      assertThat(taps.checkpoints()).isEqualTo(blocks);
      patch = end;
    }
    assertThat(patch).isEqualTo(pixels.dim(0));
  }

  private static void checkTap(
      String what, Golden golden, String key, long from, long to, TapRecorder taps) {
    float[] expected = golden.tensor(key).rows(from, to).toFloatArray();
    check(what + " " + key, expected, taps.get(key), VISION_REL);
  }

  private static void checkLayers(String name, Golden golden, TapRecorder taps) {
    for (String key : golden.names()) {
      if (key.startsWith("model.layers.")) {
        check(name + " " + key, golden.floats(key), taps.get(key), LAYER_REL);
      }
    }
  }

  private static void check(String what, Tensor expected, Tensor actual, double tolerance) {
    assertThat(actual.shape()).as(what).isEqualTo(expected.shape());
    check(what, expected.toFloatArray(), actual.toFloatArray(), tolerance);
  }

  private static void check(String what, float[] expected, float[] actual, double tolerance) {
    TensorAssert.Difference d = TensorAssert.assertRel(what, expected, actual, tolerance);
    assertThat(d.cosine()).as(what).isGreaterThanOrEqualTo(MIN_COSINE);
  }

  private static List<int[]> grids(Golden golden) {
    List<int[]> grids = new ArrayList<>();
    if (golden.has("image_grid_thw")) {
      int[] thw = golden.ints("image_grid_thw");
      for (int i = 0; i < thw.length; i += 3) {
        grids.add(new int[] {thw[i + 1], thw[i + 2]});
      }
    }
    return grids;
  }

  /** The reference's own features, so that the decoder is tested by itself. */
  private static List<ImageFeatures> features(Golden golden, Model model) {
    int merge = model.config().vision().spatialMergeSize();
    List<ImageFeatures> features = new ArrayList<>();
    long from = 0;
    for (int[] grid : grids(golden)) {
      long to = from + ImagePads.rows(grid[0], grid[1], merge);
      Tensor embeds = golden.tensor("image_embeds").rows(from, to);
      features.add(new ImageFeatures(embeds, grid[0], grid[1]));
      from = to;
    }
    return features;
  }
}
