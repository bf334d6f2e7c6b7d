package inkstone.model.pipeline;

import static inkstone.model.pipeline.CacheKind.PROMPT_EMBEDS;
import static inkstone.model.pipeline.CacheKind.REFERENCE_LATENTS;
import static inkstone.model.pipeline.CacheKind.VISION_FEATURES;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.model.dit.LatentGrid;
import inkstone.model.image.Image;
import inkstone.model.vae.Tiling;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Upload once, edit many times: what an engine remembers never changes a bit. */
final class EngineReuseTest {
  private static final Path MODEL = Golden.path("models/full");
  private static final CancelToken GO = new CancelToken();
  private static final Image CAT = picture(48, 64, 31);
  private static final Image DOG = picture(48, 64, 57);
  private static final Image WIDE = picture(80, 40, 3);

  /** What a guided run shows whatever it found remembered. */
  private static final List<String> ALWAYS =
      List.of(
          "prompt_embeds",
          "negative_prompt_embeds",
          "reference_latents",
          "noise",
          "noise_pred",
          "negative_noise_pred",
          "combined_noise_pred",
          "latents",
          "denormalized_latents",
          "decoded");

  /** Remembers nothing: gives the truth. */
  private static Inkstone forgetful;

  private Inkstone engine;

  @BeforeAll
  static void openForgetful() throws CheckpointException {
    forgetful = Inkstone.open(MODEL, new EngineOptions(2, 0));
  }

  @AfterAll
  static void closeForgetful() {
    forgetful.close();
  }

  @BeforeEach
  void open() throws CheckpointException {
    engine = Inkstone.open(MODEL, new EngineOptions(2));
  }

  @AfterEach
  void close() {
    engine.close();
    assertThat(engine.nativeBytes()).isZero();
  }

  private static Image picture(int width, int height, int factor) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * factor / width);
    }
    return new Image(width, height, rgb);
  }

  private static Image withPixel(Image image, int at) {
    byte[] rgb = image.rgb().clone();
    rgb[at] ^= (byte) 0x80;
    return new Image(image.width(), image.height(), rgb);
  }

  private static EditRequest edit(String prompt, Image... references) {
    return EditRequest.of(prompt, List.of(references), Sampling.of(2, 5))
        .withSize(new OutputSize.Exact(32, 32));
  }

  private static EditRequest guided(Image... references) {
    return edit("Make it blue.", references).withNegativePrompt("ugly").withCfgScale(3);
  }

  private static EditRequest tiled(EditRequest request) {
    return new EditRequest(
        request.prompt(),
        request.negativePrompt(),
        request.references(),
        request.size(),
        request.sampling(),
        VaeTiling.ON);
  }

  private static Result run(Inkstone engine, EditRequest request) {
    return engine.edit(request, Listener.NONE, GO);
  }

  /** The picture, which must be that of an engine without memory. */
  private Map<CacheKind, ReuseStats> reuseOfTheRightPicture(EditRequest request) {
    Result result = run(engine, request);
    Result truth = run(forgetful, request);
    assertThat(result.image()).isEqualTo(truth.image());
    assertThat(result.metadata()).isEqualTo(truth.metadata());
    return result.reuse();
  }

  private static ReuseStats hits(int hits) {
    return new ReuseStats(hits, 0, List.of());
  }

  private static ReuseStats misses(String... why) {
    return new ReuseStats(0, why.length, List.of(why));
  }

  /** Keeps the bits of all that a run shows, in order. */
  private static class Watcher implements Taps {
    final Map<String, List<float[]>> seen = new LinkedHashMap<>();
    int checkpoints;

    @Override
    public void tap(String key, Tensor value) {
      seen.computeIfAbsent(key, k -> new ArrayList<>()).add(value.toFloatArray());
    }

    @Override
    public void checkpoint() {
      checkpoints++;
    }
  }

  /** Looks on without being taken for a tap, so that the run reads what is remembered. */
  private static class Spy extends Watcher {
    @Override
    public boolean equals(Object other) {
      return other == this || Taps.NONE.equals(other);
    }

    @Override
    public int hashCode() {
      return Taps.NONE.hashCode();
    }
  }

  private static Spy watch(Inkstone engine, EditRequest request, List<Result> results) {
    Spy spy = new Spy();
    results.add(engine.edit(request, Listener.NONE, GO, spy));
    return spy;
  }

  private static void assertBits(Map<String, List<float[]>> actual, Watcher expected) {
    actual.forEach((key, values) -> {
      assertThat(expected.seen).containsKey(key);
      assertThat(values.size()).as(key).isEqualTo(expected.seen.get(key).size());
      for (int i = 0; i < values.size(); i++) {
        // Compares bits: unlike ==, Arrays.equals tells 0 from -0
        assertThat(Arrays.equals(expected.seen.get(key).get(i), values.get(i)))
            .as("%s %d", key, i)
            .isTrue();
      }
    });
  }

  @ParameterizedTest
  @EnumSource(
      value = VaeTiling.class,
      names = {"OFF", "ON"})
  void aHitGivesEveryBitOfAMiss(VaeTiling tiling) {
    EditRequest request = guided(CAT, DOG, WIDE);
    request = tiling == VaeTiling.ON ? tiled(request) : request;
    List<Result> results = new ArrayList<>();
    Spy truth = watch(forgetful, request, results);
    Spy miss = watch(engine, request, results);
    Spy hit = watch(engine, request, results);

    assertBits(miss.seen, truth);
    assertThat(miss.seen.keySet()).isEqualTo(truth.seen.keySet());
    assertBits(hit.seen, truth);
    assertThat(hit.seen)
        .containsKeys(ALWAYS.toArray(String[]::new))
        .doesNotContainKeys("image_embeds", "pixel_values");
    assertThat(hit.checkpoints).isLessThan(miss.checkpoints);
    assertThat(results).extracting(Result::image).containsOnly(results.getFirst().image());
    assertThat(results).extracting(Result::metadata).containsOnly(results.getFirst().metadata());

    assertThat(results.get(0).reuse().values()).containsOnly(hits(0));
    assertThat(results.get(1).reuse())
        .containsEntry(REFERENCE_LATENTS, misses("empty", "pixels", "pixels+size"))
        .containsEntry(VISION_FEATURES, misses("empty", "pixels", "pixels+size"))
        .containsEntry(PROMPT_EMBEDS, misses("empty", "prompt"));
    assertThat(results.get(2).reuse())
        .containsEntry(REFERENCE_LATENTS, hits(3))
        .containsEntry(VISION_FEATURES, hits(0))
        .containsEntry(PROMPT_EMBEDS, hits(2));
  }

  @Test
  void seedsStepsGuidanceAndSizesAreNoPartOfAnyKey() {
    run(engine, guided(CAT));
    EditRequest other =
        guided(CAT)
            .withSeed(99)
            .withSteps(3)
            .withCfgScale(2)
            .withSize(new OutputSize.Exact(48, 32));
    assertThat(reuseOfTheRightPicture(other))
        .containsEntry(REFERENCE_LATENTS, hits(1))
        .containsEntry(PROMPT_EMBEDS, hits(2));
  }

  @Test
  void anotherPromptReusesThePictures() {
    run(engine, edit("Make it blue.", CAT, DOG));
    assertThat(reuseOfTheRightPicture(edit("Make it red.", CAT, DOG)))
        .containsEntry(REFERENCE_LATENTS, hits(2))
        .containsEntry(VISION_FEATURES, hits(2))
        .containsEntry(PROMPT_EMBEDS, misses("prompt"));
  }

  @ParameterizedTest
  @ValueSource(ints = {0, 4607, 9215})
  void onePixelIsAnotherPicture(int at) {
    run(engine, edit("Make it blue.", CAT));
    assertThat(reuseOfTheRightPicture(edit("Make it blue.", withPixel(CAT, at))))
        .containsEntry(REFERENCE_LATENTS, misses("pixels"))
        .containsEntry(VISION_FEATURES, misses("pixels"))
        .containsEntry(PROMPT_EMBEDS, misses("pictures"));
  }

  @Test
  void equalPixelsAreTheSamePictureWhereverTheyLie() {
    run(engine, edit("Make it blue.", CAT));
    assertThat(reuseOfTheRightPicture(edit("Make it blue.", picture(48, 64, 31))))
        .containsEntry(REFERENCE_LATENTS, hits(1))
        .containsEntry(PROMPT_EMBEDS, hits(1));
  }

  @Test
  void tilingChangesLatentsAlone() {
    run(engine, edit("Make it blue.", CAT));
    assertThat(reuseOfTheRightPicture(tiled(edit("Make it blue.", CAT))))
        .containsEntry(REFERENCE_LATENTS, misses("tiling"))
        .containsEntry(PROMPT_EMBEDS, hits(1));
  }

  @Test
  void theOrderOfReferencesMatters() {
    Image ordered = run(engine, edit("Make it blue.", CAT, DOG)).image();
    EditRequest swapped = edit("Make it blue.", DOG, CAT);
    assertThat(reuseOfTheRightPicture(swapped))
        .containsEntry(REFERENCE_LATENTS, hits(2))
        .containsEntry(VISION_FEATURES, hits(2))
        .containsEntry(PROMPT_EMBEDS, misses("pictures"));
    assertThat(run(engine, swapped).image()).isNotEqualTo(ordered);
    assertThat(reuseOfTheRightPicture(edit("Make it blue.", CAT, DOG)))
        .containsEntry(PROMPT_EMBEDS, hits(1));
  }

  @Test
  void wordsWithAndWithoutPicturesNeverMeet() {
    GenerateRequest words =
        new GenerateRequest(
            "A star.", null, new OutputSize.Exact(32, 32), Sampling.of(2, 5), VaeTiling.AUTO);
    Result first = engine.generate(words, Listener.NONE, GO);
    assertThat(first.reuse()).containsEntry(PROMPT_EMBEDS, misses("empty"));
    assertThat(reuseOfTheRightPicture(edit("A star.", CAT)))
        .containsEntry(PROMPT_EMBEDS, misses("pictures+template"));
    Result again = engine.generate(words, Listener.NONE, GO);
    assertThat(again.reuse())
        .containsEntry(PROMPT_EMBEDS, hits(1))
        .containsEntry(REFERENCE_LATENTS, hits(0));
    assertThat(again.image()).isEqualTo(first.image());
  }

  @Test
  void aRunWithTapsSeesAllOfIt() {
    EditRequest request = guided(CAT, DOG);
    Watcher expected = new Watcher();
    forgetful.edit(request, Listener.NONE, GO, expected);
    run(engine, request);
    Watcher tapped = new Watcher();
    Result result = engine.edit(request, Listener.NONE, GO, tapped);
    assertThat(tapped.seen.keySet())
        .containsAll(List.of("image_embeds", "input_ids", "pixel_values"))
        .containsExactlyElementsOf(expected.seen.keySet());
    assertBits(tapped.seen, expected);
    assertThat(tapped.checkpoints).isEqualTo(expected.checkpoints);
    assertThat(result.reuse())
        .containsEntry(REFERENCE_LATENTS, misses("tapped", "tapped"))
        .containsEntry(VISION_FEATURES, misses("tapped", "tapped"))
        .containsEntry(PROMPT_EMBEDS, misses("tapped", "tapped"));
  }

  @Test
  void whatARunWithTapsComputesServesTheNext() {
    engine.edit(guided(CAT), Listener.NONE, GO, new Watcher());
    assertThat(reuseOfTheRightPicture(guided(CAT)))
        .containsEntry(REFERENCE_LATENTS, hits(1))
        .containsEntry(PROMPT_EMBEDS, hits(2));
  }

  @ParameterizedTest
  @EnumSource(Stage.class)
  void aCancelAtAnyStageLeavesTheNextRunRight(Stage at) {
    CancelToken token = new CancelToken();
    Listener cancelling =
        new Listener() {
          @Override
          public void stage(Stage stage) {
            if (stage == at) {
              token.cancel();
            }
          }
        };
    assertThatThrownBy(() -> engine.edit(guided(CAT, DOG), cancelling, token))
        .isInstanceOf(CancellationException.class);
    reuseOfTheRightPicture(guided(CAT, DOG));
  }

  @Test
  void aCancelAtAnyBlockLeavesOnlyWholeValues() {
    EditRequest request = guided(CAT, DOG);
    List<Result> results = new ArrayList<>();
    Spy truth = watch(forgetful, request, results);
    assertThat(truth.checkpoints).isGreaterThan(20);
    for (int at = 1; at <= truth.checkpoints; at++) {
      try (References references = engine.references(request.references())) {
        int last = at;
        CancelToken token = new CancelToken();
        Spy cancelling =
            new Spy() {
              @Override
              public void checkpoint() {
                super.checkpoint();
                if (checkpoints == last) {
                  token.cancel();
                }
              }
            };
        assertThatThrownBy(() -> engine.edit(request, Listener.NONE, token, cancelling))
            .isInstanceOf(CancellationException.class);
        Spy next = watch(engine, request, results);
        assertThat(results.getLast().image()).isEqualTo(results.getFirst().image());
        next.seen.keySet().retainAll(ALWAYS);
        assertThat(next.seen).containsOnlyKeys(ALWAYS);
        assertBits(next.seen, truth);
        assertThat(references.pictures()).hasSize(2);
      }
    }
  }

  @Test
  void aFailingListenerLeavesTheNextRunRight() {
    Listener failing =
        new Listener() {
          @Override
          public void step(int step, int steps, double sigma, Preview preview) {
            throw new IllegalArgumentException("no more");
          }
        };
    assertThatThrownBy(() -> engine.edit(guided(CAT), failing, GO)).hasMessage("no more");
    assertThat(reuseOfTheRightPicture(guided(CAT))).containsEntry(REFERENCE_LATENTS, hits(1));
  }

  /** Too little for the values of three pictures, so that they push each other out. */
  @ParameterizedTest
  @ValueSource(longs = {5_000, 30_000, 1 << 20})
  void manyRequestsInARowHoldNoMoreMemory(long cacheBytes) throws CheckpointException {
    Image[] pictures = {CAT, DOG, WIDE};
    Image[] expected = new Image[pictures.length];
    for (int i = 0; i < pictures.length; i++) {
      expected[i] = run(forgetful, edit("Make it blue.", pictures[i])).image();
    }
    Inkstone small = Inkstone.open(MODEL, new EngineOptions(2, cacheBytes));
    try (small) {
      long before = small.nativeBytes();
      long most = 0;
      int missed = 0;
      for (int i = 0; i < 300; i++) {
        int which = i % 7 % pictures.length;
        Result result = run(small, edit("Make it blue.", pictures[which]));
        assertThat(result.image()).isEqualTo(expected[which]);
        missed += result.reuse().get(PROMPT_EMBEDS).misses();
        missed += result.reuse().get(REFERENCE_LATENTS).misses();
        assertThat(small.rememberedBytes()).isBetween(1L, cacheBytes);
        if (i < 30) {
          most = Math.max(most, small.nativeBytes());
        } else {
          assertThat(small.nativeBytes()).isLessThanOrEqualTo(most);
        }
      }
      assertThat(most).isGreaterThan(before);
      assertThat(missed > 2 * pictures.length).isEqualTo(cacheBytes < 1 << 20);
    }
    assertThat(small.nativeBytes()).isZero();
  }

  @Test
  void closingReferencesForgetsThemAndNoOthers() {
    run(engine, edit("Make it blue.", WIDE));
    long others = engine.rememberedBytes();
    assertThat(others).isPositive();
    try (References references = engine.references(List.of(CAT, DOG))) {
      EditRequest request =
          EditRequest.of("Make it blue.", references)
              .withSeed(5)
              .withSteps(2)
              .withSize(new OutputSize.Exact(32, 32));
      assertThat(request).isEqualTo(edit("Make it blue.", CAT, DOG));
      reuseOfTheRightPicture(request);
      assertThat(reuseOfTheRightPicture(request)).containsEntry(REFERENCE_LATENTS, hits(2));
      assertThat(engine.rememberedBytes()).isGreaterThan(others);
    }
    assertThat(engine.rememberedBytes()).isEqualTo(others);
    assertThat(reuseOfTheRightPicture(edit("Make it blue.", CAT, DOG)))
        .containsEntry(REFERENCE_LATENTS, misses("pixels+size", "pixels"));
    assertThat(reuseOfTheRightPicture(edit("Make it blue.", WIDE)))
        .containsEntry(REFERENCE_LATENTS, hits(1));
  }

  @Test
  void closedReferencesMakeNoRequests() {
    References references = engine.references(List.of(CAT));
    references.close();
    references.close();
    assertThatThrownBy(() -> EditRequest.of("x", references))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
  }

  @Test
  void referencesMayBeClosedDuringTheirRunAndAfterTheEngine() {
    References references = engine.references(List.of(CAT));
    EditRequest request = edit("Make it blue.", CAT);
    Listener closing =
        new Listener() {
          @Override
          public void stage(Stage stage) {
            references.close();
          }
        };
    assertThat(engine.edit(request, closing, GO).image())
        .isEqualTo(run(forgetful, request).image());
    engine.close();
    references.close();
    assertThat(engine.nativeBytes()).isZero();
  }

  @Test
  void whatIsRememberedGoesBeforeARunIsRefused() throws CheckpointException {
    try (Compute compute = Compute.open(1);
        Components model =
            new Components(
                compute,
                ModelFiles.folder(MODEL),
                new EngineOptions(1, 1 << 20),
                TensorArena.open("weights"),
                Long.MAX_VALUE);
        ReferenceBank bank = new ReferenceBank(0)) {
      Denoiser denoiser = new Denoiser(compute, model, bank);
      EditPipeline pipeline = new EditPipeline(model, denoiser, RefCache.DEFAULT);
      try (Run run = new Run(Listener.NONE, GO, Taps.NONE)) {
        pipeline.run(run, edit("Make it blue.", CAT));
      }
      assertThat(model.cache.allocatedBytes()).isPositive();
      VaeTilings huge = new VaeTilings(Tiling.OFF, Tiling.OFF, 1L << 50);
      List<LatentGrid> grids = List.of(new LatentGrid(2, 2));
      assertThatThrownBy(() -> Budget.check(denoiser, grids, List.of(1), huge, model.cache))
          .isInstanceOf(InsufficientMemoryException.class);
      assertThat(model.cache.allocatedBytes()).isZero();
    }
  }
}
