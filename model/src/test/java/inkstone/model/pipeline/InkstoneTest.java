package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What an engine promises beside its pictures, on the smallest model folder there is. */
final class InkstoneTest {
  private static final Path MODEL = Golden.path("models/full");
  private static final Image PICTURE = gradient(48, 64);
  private static final CancelToken GO = new CancelToken();

  @TempDir private Path temporary;
  private static Inkstone engine;

  @BeforeAll
  static void open() throws CheckpointException {
    engine = Inkstone.open(MODEL, new EngineOptions(2));
  }

  @AfterAll
  static void close() {
    engine.close();
  }

  private static Image gradient(int width, int height) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * 31 / width);
    }
    return new Image(width, height, rgb);
  }

  private static EditRequest edit(Image... references) {
    return EditRequest.of("Make it blue.", List.of(references), Sampling.of(3, 5));
  }

  /** The model's folder with another class. */
  private Path withClass(String name) throws IOException {
    Path folder = temporary.resolve(name);
    Files.createDirectories(folder);
    try (Stream<Path> parts = Files.walk(MODEL)) {
      for (Path part : parts.toList()) {
        Path target = folder.resolve(MODEL.relativize(part).toString());
        if (Files.isDirectory(part)) {
          Files.createDirectories(target);
        } else {
          Files.copy(part, target);
        }
      }
    }
    Files.writeString(folder.resolve("model_index.json"), "{\"_class_name\": \"" + name + "\"}");
    return folder;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 5})
  void threadsNeverChangeThePicture(int threads) throws CheckpointException {
    Image expected = engine.edit(edit(PICTURE), Listener.NONE, GO).image();
    try (Inkstone other = Inkstone.open(MODEL, new EngineOptions(threads))) {
      assertThat(other.edit(edit(PICTURE), Listener.NONE, GO).image()).isEqualTo(expected);
    }
  }

  @Test
  void equalRequestsGiveEqualPicturesWhateverRanBetween() {
    Image first = engine.edit(edit(PICTURE), Listener.NONE, GO).image();
    Image between =
        engine
            .generate(GenerateRequest.of("A star.", Sampling.of(2, 5)), Listener.NONE, GO)
            .image();
    assertThat(between).isNotEqualTo(first);
    assertThat(engine.edit(edit(PICTURE), Listener.NONE, GO).image()).isEqualTo(first);
    EditRequest otherSeed = EditRequest.of("Make it blue.", List.of(PICTURE), Sampling.of(3, 6));
    assertThat(engine.edit(otherSeed, Listener.NONE, GO).image()).isNotEqualTo(first);
  }

  /** Counts checkpoints and cancels at one of them. */
  private static final class Canceller implements Taps {
    private final CancelToken token = new CancelToken();
    private final int at;
    private int seen;

    Canceller(int at) {
      this.at = at;
    }

    @Override
    public void checkpoint() {
      seen++;
      if (seen == at) {
        token.cancel();
      }
    }
  }

  @Test
  void aCancelIsObeyedAtTheNextCheckpointAndLeavesTheEngineAsItWas() {
    Image expected = engine.edit(edit(PICTURE), Listener.NONE, GO).image();
    Canceller all = new Canceller(-1);
    engine.edit(edit(PICTURE), Listener.NONE, all.token, all);
    // Vision tower, decoder, VAE encoder, three steps, VAE decoder
    assertThat(all.seen).isGreaterThan(20);
    for (int at = 1; at < all.seen; at++) {
      Canceller canceller = new Canceller(at);
      assertThatThrownBy(
              () -> engine.edit(edit(PICTURE), Listener.NONE, canceller.token, canceller))
          .isInstanceOf(CancellationException.class);
      assertThat(canceller.seen).isEqualTo(at);
    }
    assertThat(engine.edit(edit(PICTURE), Listener.NONE, GO).image()).isEqualTo(expected);
  }

  @Test
  void aListenerHearsStagesInOrderAndEveryStep() {
    List<Stage> stages = new ArrayList<>();
    List<Double> sigmas = new ArrayList<>();
    List<Image> previews = new ArrayList<>();
    Listener listener =
        new Listener() {
          @Override
          public void stage(Stage stage) {
            stages.add(stage);
          }

          @Override
          public void step(int step, int steps, double sigma, Preview preview) {
            assertThat(step).isEqualTo(sigmas.size() + 1);
            assertThat(steps).isEqualTo(3);
            sigmas.add(sigma);
            previews.add(preview.projected());
            previews.add(preview.decoded());
          }
        };
    Result result = engine.edit(edit(PICTURE), listener, GO);
    assertThat(stages).containsExactly(Stage.values());
    assertThat(result.timings().stages().keySet()).containsExactly(Stage.values());
    assertThat(sigmas).hasSize(3).isSortedAccordingTo((a, b) -> Double.compare(b, a));
    assertThat(sigmas.getLast()).isZero();
    Image small = previews.getFirst();
    assertThat(small.width()).isEqualTo(result.width() / 8);
    assertThat(small.height()).isEqualTo(result.height() / 8);
    // With no noise left the prediction is the result.
    assertThat(previews.getLast()).isEqualTo(result.image());
    // Looking changes nothing.
    assertThat(engine.edit(edit(PICTURE), Listener.NONE, GO).image()).isEqualTo(result.image());
  }

  /** At this size the long part takes more than the text encoder did before. */
  @ParameterizedTest
  @EnumSource(VaeTiling.class)
  void theMemorySaidBeforeTheFirstStepIsThePeak(VaeTiling tiling) {
    List<Long> memory = new ArrayList<>();
    List<Integer> steps = new ArrayList<>();
    Listener listener =
        new Listener() {
          @Override
          public void memory(long bytes) {
            assertThat(steps).isEmpty();
            memory.add(bytes);
          }

          @Override
          public void step(int step, int count, double sigma, Preview preview) {
            steps.add(step);
          }
        };
    OutputSize size = new OutputSize.Exact(320, 288);
    Result painted =
        engine.generate(
            new GenerateRequest("A star.", null, size, Sampling.of(1, 5), tiling), listener, GO);
    Result edited =
        engine.edit(
            new EditRequest(
                "Make it blue.", null, List.of(PICTURE), size, Sampling.of(1, 5), tiling),
            new Listener() {
              @Override
              public void memory(long bytes) {
                memory.add(bytes);
              }
            },
            GO);
    assertThat(memory).containsExactly(painted.peakBytes(), edited.peakBytes());
  }

  @Test
  void runsOneJobAtATime() {
    Listener nested =
        new Listener() {
          @Override
          public void stage(Stage stage) {
            engine.edit(edit(PICTURE), Listener.NONE, GO);
          }
        };
    assertThatThrownBy(() -> engine.edit(edit(PICTURE), nested, GO))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("one at a time");
  }

  @Test
  void aClosedEngineSaysSo() throws CheckpointException {
    Inkstone closed = Inkstone.open(MODEL, new EngineOptions(1));
    closed.close();
    closed.close();
    assertThatThrownBy(() -> closed.edit(edit(PICTURE), Listener.NONE, GO))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void sizesFollowTheRequest() {
    Image tall = gradient(60, 150);
    EditRequest auto = edit(PICTURE, tall);
    Result byLast = engine.edit(auto, Listener.NONE, GO);
    Result byFirst = engine.edit(sized(auto, new OutputSize.OfReference(1)), Listener.NONE, GO);
    assertThat(byLast.height()).isGreaterThan(2 * byLast.width());
    assertThat(byFirst.height()).isLessThan(2 * byFirst.width());
    assertThat(byLast.warnings()).isEmpty();

    Result same = engine.edit(sized(auto, OutputSize.SAME), Listener.NONE, GO);
    assertThat(same.image().size().toString()).isEqualTo("48x64");

    Result exact = engine.edit(sized(auto, new OutputSize.Exact(75, 40)), Listener.NONE, GO);
    assertThat(exact.image().size().toString()).isEqualTo("64x32");
    assertThat(exact.warnings()).singleElement().asString().contains("75x40", "64x32");
    assertThat(exact.metadata())
        .containsEntry("width", 64)
        .containsEntry("height", 32)
        .containsEntry("seed", 5L)
        .containsEntry("task", "edit");
    assertThat(exact.peakBytes()).isPositive();
  }

  private static EditRequest sized(EditRequest request, OutputSize size) {
    return new EditRequest(
        request.prompt(), null, request.references(), size, request.sampling(), VaeTiling.AUTO);
  }

  @Test
  void guidanceNeedsBothAScaleAndANegativePrompt() {
    Sampling guided = Sampling.of(2, 5).withCfgScale(4);
    Image plain = engine.edit(edit("x", null, Sampling.of(2, 5)), Listener.NONE, GO).image();
    Result without = engine.edit(edit("x", null, guided), Listener.NONE, GO);
    assertThat(without.image()).isEqualTo(plain);
    assertThat(without.warnings()).singleElement().asString().contains("negative prompt");
    Result unused = engine.edit(edit("x", "y", Sampling.of(2, 5)), Listener.NONE, GO);
    assertThat(unused.image()).isEqualTo(plain);
    assertThat(unused.warnings()).singleElement().asString().contains("cfg scale 1.0");
    assertThat(engine.edit(edit("x", "y", guided), Listener.NONE, GO).image()).isNotEqualTo(plain);
  }

  private static EditRequest edit(String prompt, String negative, Sampling sampling) {
    return new EditRequest(
        prompt, negative, List.of(PICTURE), OutputSize.AUTO, sampling, VaeTiling.AUTO);
  }

  @Test
  void aModelForWordsAloneRefusesPictures() throws IOException {
    try (Inkstone words = Inkstone.open(withClass("QwenImagePipeline"), new EngineOptions(1))) {
      assertThat(words.edits()).isFalse();
      assertThatThrownBy(() -> words.edit(edit(PICTURE), Listener.NONE, GO))
          .isInstanceOf(UnfitModelException.class)
          .hasMessageContaining("use generate");
    }
  }

  @Test
  void theFirstGenerationEditsOnePicture() throws IOException {
    try (Inkstone first = Inkstone.open(withClass("QwenImageEditPipeline"), new EngineOptions(1))) {
      assertThatThrownBy(() -> first.edit(edit(PICTURE, PICTURE), Listener.NONE, GO))
          .isInstanceOf(UnfitModelException.class)
          .hasMessageContaining("got 2 references");
    }
  }

  @Test
  void anotherKindOfModelIsRefusedByName() throws IOException {
    Path folder = withClass("StableDiffusionPipeline");
    assertThatThrownBy(() -> Inkstone.open(folder, new EngineOptions(1)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("StableDiffusionPipeline")
        .hasMessageContaining("QwenImageEditPlusPipeline");
  }

  @Test
  void aFolderThatIsNotThereIsSaid() {
    assertThatThrownBy(() -> Inkstone.open(temporary.resolve("none"), new EngineOptions(1)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("does not exist");
  }

  @ParameterizedTest
  @ValueSource(strings = {"guidance_embeds", "use_layer3d_rope"})
  void whatIsNotDoneYetIsRefusedByName(String key) throws IOException {
    Path folder = withClass("QwenImageEditPlusPipeline");
    Path config = folder.resolve("transformer/config.json");
    String json = Files.readString(config).replaceAll("\\s*\"" + key + "\": false,?", "");
    Files.writeString(config, json.replaceFirst("\\{", "{\"" + key + "\": true, "));
    assertThatThrownBy(() -> Inkstone.open(folder, new EngineOptions(1)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining(key);
  }

  /** Some shifts round the first sigma to just above 1, as they do in diffusers. */
  @ParameterizedTest
  @ValueSource(doubles = {0.01, 0.2, 0.21, 0.27, 1, 3, 7.7, 100})
  void everyStaticShiftRuns(double shift) {
    Sampling shifted = new Sampling(2, 1, 5, new FlowShift.Static(shift), List.of());
    Result result =
        engine.generate(
            new GenerateRequest("x", null, new OutputSize.Exact(32, 32), shifted, VaeTiling.AUTO),
            Listener.NONE,
            GO);
    assertThat(result.metadata()).containsEntry("flow_shift", shift);
  }

  @Test
  void aCancelDuringTheFirstPreviewIsObeyed() throws CheckpointException {
    try (Inkstone fresh = Inkstone.open(MODEL, new EngineOptions(2))) {
      CancelToken token = new CancelToken();
      Listener previewing =
          new Listener() {
            @Override
            public void step(int step, int steps, double sigma, Preview preview) {
              token.cancel();
              preview.projected();
              throw new AssertionError("the preview ran to its end");
            }
          };
      assertThatThrownBy(() -> fresh.edit(edit(PICTURE), previewing, token))
          .isInstanceOf(CancellationException.class);
    }
  }

  @Test
  void aPublishedFolderHasNoInkstoneJson() throws IOException {
    Path folder = withClass("QwenImageEditPlusPipeline");
    Files.delete(folder.resolve("inkstone.json"));
    try (Inkstone published = Inkstone.open(folder, new EngineOptions(2))) {
      GenerateRequest small =
          new GenerateRequest(
              "x", null, new OutputSize.Exact(32, 32), Sampling.of(1, 1), VaeTiling.AUTO);
      assertThat(published.generate(small, Listener.NONE, GO).width()).isEqualTo(32);
    }
  }

  @Test
  void aSchedulerThatIsNotDoneIsRefusedByName() throws IOException {
    Path folder = withClass("QwenImageEditPlusPipeline");
    Files.writeString(
        folder.resolve("scheduler/scheduler_config.json"), "{\"use_karras_sigmas\": true}");
    assertThatThrownBy(() -> Inkstone.open(folder, new EngineOptions(1)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("use_karras_sigmas");
  }

  @Test
  void partsOfDifferentModelsAreRefused() throws IOException {
    Path folder = withClass("QwenImageEditPlusPipeline");
    for (String file : List.of("config.json", "diffusion_pytorch_model.safetensors")) {
      Files.deleteIfExists(folder.resolve("vae").resolve(file));
      Files.copy(
          Golden.path("models/vae-short").resolve(file), folder.resolve("vae").resolve(file));
    }
    assertThatThrownBy(() -> Inkstone.open(folder, new EngineOptions(1)))
        .isInstanceOf(CheckpointException.class)
        .hasMessageContaining("do not fit the VAE");
  }

  @Test
  void aPictureTooNarrowForTheModelIsRefused() {
    assertThatThrownBy(() -> engine.edit(edit(gradient(1, 4000)), Listener.NONE, GO))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1x4000");
  }
}
