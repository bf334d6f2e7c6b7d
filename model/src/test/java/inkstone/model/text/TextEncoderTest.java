package inkstone.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.Weights;
import inkstone.loader.config.TextEncoderConfig;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class TextEncoderTest {
  private static final int IMAGE = 100;

  private final TensorArena arena = TensorArena.open("test");
  private final Compute compute = Compute.open(1);

  @AfterEach
  void close() {
    compute.close();
    arena.close();
  }

  @Test
  void leavesOnlyTheResult() throws IOException {
    TextEncoder encoder = encoder(config());
    VisionTower vision = vision(config());
    long before = arena.allocatedBytes();
    Tensor hidden = encoder.forward(arena, new int[] {1, 2, 3}, List.of(), Taps.NONE);
    assertThat(arena.allocatedBytes() - before).isEqualTo(hidden.segment().byteSize());
    before = arena.allocatedBytes();
    Tensor pixels = pixels(16);
    long input = arena.allocatedBytes() - before;
    Tensor image = vision.forward(arena, pixels, 4, 4, Taps.NONE);
    assertThat(arena.allocatedBytes() - before - input).isEqualTo(image.segment().byteSize());
  }

  @Test
  void stopsBeforeALayerAndLeavesNothing() throws IOException {
    TextEncoder encoder = encoder(config());
    VisionTower vision = vision(config());
    Tensor pixels = pixels(16);
    Taps stop =
        new Taps() {
          private int left = 1;

          @Override
          public void checkpoint() {
            if (left-- == 0) {
              throw new CancellationException("stop");
            }
          }
        };
    long before = arena.allocatedBytes();
    assertThatThrownBy(() -> encoder.forward(arena, new int[] {1, 2}, List.of(), stop))
        .isInstanceOf(CancellationException.class);
    Taps now =
        new Taps() {
          @Override
          public void checkpoint() {
            throw new CancellationException("stop");
          }
        };
    assertThatThrownBy(() -> vision.forward(arena, pixels, 4, 4, now))
        .isInstanceOf(CancellationException.class);
    assertThat(arena.allocatedBytes()).isEqualTo(before);
    assertThat(encoder.forward(arena, new int[] {1, 2}, List.of(), Taps.NONE).dim(0)).isEqualTo(2);
  }

  @Test
  void laterTokensDoNotChangeEarlierRows() throws IOException {
    TextEncoder encoder = encoder(config());
    Tensor shorter = encoder.forward(arena, new int[] {5, 6, 7}, List.of(), Taps.NONE);
    Tensor longer = encoder.forward(arena, new int[] {5, 6, 7, 8, 9}, List.of(), Taps.NONE);
    TensorAssert.assertBits("causal", shorter.toFloatArray(), longer.rows(0, 3).toFloatArray());
  }

  @Test
  void bothSpellingsOfTheWeightsAreRead() throws IOException {
    Weights stored = weights();
    boolean nested = stored.has("model.language_model.norm.weight");
    Weights other =
        stored.renamed(name ->
            nested
                ? name.startsWith("visual.")
                    ? "model." + name
                    : name.replaceFirst(
                        "^model\\.(?!visual|language_model)", "model.language_model.")
                : name.replaceFirst("^model\\.visual\\.", "visual.")
                    .replaceFirst("^model\\.language_model\\.", "model."));
    int[] ids = {3, 1, 4, 1, 5};
    TensorAssert.assertBits(
        "decoder",
        encoder(config()).forward(arena, ids, List.of(), Taps.NONE).toFloatArray(),
        new TextEncoder(compute, config(), other)
            .forward(arena, ids, List.of(), Taps.NONE)
            .toFloatArray());
    Tensor pixels = pixels(16);
    TensorAssert.assertBits(
        "vision",
        vision(config()).forward(arena, pixels, 4, 4, Taps.NONE).toFloatArray(),
        new VisionTower(compute, config(), other)
            .forward(arena, pixels, 4, 4, Taps.NONE)
            .toFloatArray());
  }

  @Test
  void refusesSequencesThatDoNotFit() throws IOException {
    TextEncoder encoder = encoder(config());
    assertFails(
        encoder,
        new int[0],
        List.of(),
        "tokens, expected 1 to 4096 (max_position_embeddings), got 0");
    assertFails(
        encoder,
        new int[4097],
        List.of(),
        "got 4097; use a shorter prompt, or fewer or smaller pictures");
    assertFails(
        encoder, new int[] {1, 128}, List.of(), "token 1, expected an id from 0 to 127, got 128");
    assertFails(encoder, new int[] {-1}, List.of(), "got -1; use the tokenizer of this model");
  }

  @Test
  void refusesPicturesThatDoNotFit() throws IOException {
    TextEncoder encoder = encoder(config());
    Tensor embeds = Tensor.f32(arena, "embeds", 4, 48);
    List<ImageFeatures> images = List.of(new ImageFeatures(embeds, 4, 4));
    assertThat(
            encoder
                .forward(arena, new int[] {1, IMAGE, IMAGE, IMAGE, IMAGE}, images, Taps.NONE)
                .dim(0))
        .isEqualTo(5);
    String message = "image tokens, expected 4, one a feature row of the pictures, got ";
    assertFails(encoder, new int[] {1, IMAGE, IMAGE, IMAGE}, images, message + 3);
    assertFails(encoder, new int[] {IMAGE, IMAGE, IMAGE, IMAGE, 1, IMAGE}, images, message + 5);
    assertFails(
        encoder,
        new int[] {IMAGE},
        List.of(new ImageFeatures(embeds, 4, 6)),
        "features of picture 1, expected [6, 48], got [4, 48]");
    VisionTower vision = vision(config());
    assertThatThrownBy(() -> vision.forward(arena, pixels(15), 4, 4, Taps.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(
            "pixel values, expected [16, 384] for a grid of [4, 4], got [15, 384]");
    assertThatThrownBy(() -> vision.forward(arena, pixels(15), 3, 5, Taps.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("grid, expected positive multiples of 2, got 3x5");
  }

  @Test
  void refusesMoreThanASlidingWindow() throws IOException {
    String json = Files.readString(folder().resolve("config.json"));
    TextEncoderConfig sliding =
        TextEncoderConfig.parse(
            json.replace("\"use_sliding_window\": false", "\"use_sliding_window\": true")
                .replace("\"sliding_window\": null", "\"sliding_window\": 3")
                .replace("full_attention", "sliding_attention"),
            "config.json");
    TextEncoder encoder = encoder(sliding);
    int[] ids = {1, 2, 3};
    TensorAssert.assertBits(
        "within the window",
        encoder(config()).forward(arena, ids, List.of(), Taps.NONE).toFloatArray(),
        encoder.forward(arena, ids, List.of(), Taps.NONE).toFloatArray());
    assertFails(
        encoder, new int[] {1, 2, 3, 4}, List.of(), "tokens, expected at most 3 (sliding_window");
  }

  @Test
  void namesTheMissingWeight() throws IOException {
    Weights other = weights().renamed(name -> name.replace("k_proj", "k_prej"));
    assertThatThrownBy(() -> new TextEncoder(compute, config(), other))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("self_attn.k_prej.weight\" is missing; the nearest names are");
  }

  private void assertFails(
      TextEncoder encoder, int[] ids, List<ImageFeatures> images, String message) {
    assertThatThrownBy(() -> encoder.forward(arena, ids, images, Taps.NONE))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("TextEncoder: ")
        .hasMessageContaining(message);
  }

  private Tensor pixels(int patches) {
    Tensor pixels = Tensor.f32(arena, "pixels", patches, 384);
    for (int i = 0; i < pixels.elements(); i++) {
      pixels.setFloat(i, (float) Math.sin(i));
    }
    return pixels;
  }

  private static Path folder() {
    return Golden.path("models/text-gqa");
  }

  private static TextEncoderConfig config() throws IOException {
    return TextEncoderConfig.read(folder());
  }

  private Weights weights() throws IOException {
    return Weights.open(arena, folder());
  }

  private TextEncoder encoder(TextEncoderConfig config) throws IOException {
    return new TextEncoder(compute, config, weights());
  }

  private VisionTower vision(TextEncoderConfig config) throws IOException {
    return new VisionTower(compute, config, weights());
  }
}
