package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.loader.config.ProcessorConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * Patches, resized bytes and value ranges against transformers' processor (torchvision backend) and
 * diffusers' VaeImageProcessor.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class PreprocessParityTest {
  private Golden golden;
  private TensorArena arena;
  private ProcessorConfig config;

  @BeforeAll
  void open() throws Exception {
    golden = Golden.open("preprocess");
    arena = TensorArena.open("preprocess");
    config = ProcessorConfig.read(Golden.tinyModel());
  }

  @AfterAll
  void close() {
    golden.close();
    arena.close();
  }

  @Test
  void theGoldensAreOfTheTorchvisionBackend() throws Exception {
    assertThat(golden.request().get("backend").asString()).isEqualTo("torchvision");
  }

  @Test
  void patches() {
    int cases = 0;
    for (String name : golden.names()) {
      if (!name.endsWith(".input") || name.equals("to_image.input")) {
        continue;
      }
      String key = name.substring(0, name.length() - ".input".length());
      Image input = ResizeParityTest.image(golden.tensor(name));
      Patches patches = Preprocess.qwen2Vl(arena, input, config);
      long[] grid = golden.longs(key + ".image_grid_thw");
      assertThat(new long[] {1, patches.gridH(), patches.gridW()}).as(key).isEqualTo(grid);
      Image resized = Resize.torchBicubic(input, patches.gridW() * 14, patches.gridH() * 14);
      assertThat(resized)
          .as(key)
          .isEqualTo(ResizeParityTest.image(golden.tensor(key + ".resized")));
      if (golden.has(key + ".pixel_values")) {
        Tensor expected = golden.tensor(key + ".pixel_values");
        assertThat(patches.pixelValues().shape()).isEqualTo(expected.shape());
        TensorAssert.assertBits(key, expected.toFloatArray(), patches.pixelValues().toFloatArray());
        assertThat(Resize.bicubic(input, resized.width(), resized.height()))
            .as("Pillow's bicubic differs")
            .isEqualTo(ResizeParityTest.image(golden.tensor(key + ".resized_pil")));
      }
      cases++;
    }
    assertThat(cases).isEqualTo(3);
  }

  @Test
  void everyLevelThroughTheNormalisation() {
    // 28 x 84 pixels need no resizing; channel values v, v, v for every v.
    Image ramp = Image.blank(84, 56);
    for (int i = 0; i < ramp.rgb().length; i++) {
      ramp.rgb()[i] = (byte) (i / 3 % 256);
    }
    Patches patches = Preprocess.qwen2Vl(arena, ramp, config);
    float[] levels = golden.floats("levels.normalized"); // [3, 256]
    int seen = 0;
    for (int token = 0; token < patches.gridH() * patches.gridW(); token++) {
      int block = token / 4;
      int top = (block / (patches.gridW() / 2) * 2 + token % 4 / 2) * 14;
      int left = (block % (patches.gridW() / 2) * 2 + token % 2) * 14;
      for (int f = 0; f < 3 * 2 * 196; f++) {
        int channel = f / (2 * 196);
        int v = ((top + f % 196 / 14) * 84 + left + f % 14) % 256;
        float actual = patches.pixelValues().getFloat(token * 1176L + f);
        assertThat(actual).isEqualTo(levels[channel * 256 + v]);
        seen++;
      }
    }
    assertThat(seen).isEqualTo(84 * 56 * 3 * 2);
  }

  @Test
  void vaeLevels() {
    Image ramp = Image.blank(256, 1);
    for (int i = 0; i < ramp.rgb().length; i++) {
      ramp.rgb()[i] = (byte) (i / 3);
    }
    float[] pixels = Preprocess.vaePixels(arena, ramp).toFloatArray();
    float[] expected = golden.floats("levels.vae");
    for (int i = 0; i < pixels.length; i++) {
      assertThat(pixels[i]).isEqualTo(expected[i / 3]);
    }
    assertThat(Preprocess.toImage(Preprocess.vaePixels(arena, ramp))).isEqualTo(ramp);
  }

  @Test
  void toImage() {
    float[] input = golden.floats("to_image.input");
    Tensor pixels = Tensor.of(arena, "pixels", input, 1, input.length / 3, 3);
    Image actual = Preprocess.toImage(pixels);
    float[] expected = golden.floats("to_image.output");
    float[] got = new float[expected.length];
    for (int i = 0; i < got.length; i++) {
      got[i] = actual.rgb()[i] & 0xff;
    }
    TensorAssert.assertBits("to_image", expected, got);
  }
}
