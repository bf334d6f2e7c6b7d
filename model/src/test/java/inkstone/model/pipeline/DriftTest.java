package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.model.debug.Taps;
import inkstone.model.drift.DriftMap;
import inkstone.model.image.Image;
import inkstone.model.image.Resize;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** What a drift report says, against what runs of the same edit show. */
final class DriftTest {
  private static final int STEPS = 4;
  private static final CancelToken GO = new CancelToken();
  private static final KvPolicy ANCHORED = KvPolicy.anchored();

  @TempDir private Path temporary;
  private static Inkstone withZeroCondT;
  private static Inkstone withoutZeroCondT;

  @BeforeAll
  static void open() throws CheckpointException {
    withZeroCondT = Inkstone.open(Golden.tinyModel(), new EngineOptions(2));
    withoutZeroCondT = Inkstone.open(Golden.path("models/full"), new EngineOptions(2));
  }

  @AfterAll
  static void close() {
    withZeroCondT.close();
    withoutZeroCondT.close();
  }

  private static Inkstone engine(boolean zeroCondT) {
    return zeroCondT ? withZeroCondT : withoutZeroCondT;
  }

  private static Image picture(int width, int height, int seed) {
    byte[] rgb = new byte[3 * width * height];
    for (int i = 0; i < rgb.length; i++) {
      rgb[i] = (byte) (i * seed / width);
    }
    return new Image(width, height, rgb);
  }

  /** Two references of different shapes, guidance, a target of another size. */
  private static EditRequest guided(KvPolicy policy) {
    return plain(policy).withNegativePrompt("ugly").withCfgScale(3);
  }

  private static EditRequest plain(KvPolicy policy) {
    return EditRequest.of(
            "Make it blue.",
            List.of(picture(48, 64, 31), picture(80, 32, 7)),
            Sampling.of(STEPS, 5))
        .withSize(new OutputSize.Exact(48, 32))
        .withRefCache(RefCache.of(policy));
  }

  private static DriftReport drift(Inkstone engine, EditRequest request) {
    return engine.drift(new DriftRequest(request), Listener.NONE, GO);
  }

  static Stream<KvPolicy> lossless() {
    return Stream.of(
        KvPolicy.off(),
        KvPolicy.exact(),
        KvPolicy.auto(),
        new KvPolicy.Anchored(1, 1, 0, KvPolicy.LAST_LAYER),
        new KvPolicy.Rolling(1, 1),
        new KvPolicy.Adaptive(0));
  }

  @ParameterizedTest
  @MethodSource("lossless")
  void whatLosesNothingDriftsNowhere(KvPolicy policy) {
    for (boolean zeroCondT : new boolean[] {true, false}) {
      DriftReport report = drift(engine(zeroCondT), guided(policy));
      assertThat(report.branches()).hasSize(2);
      for (DriftReport.Branch branch : report.branches()) {
        assertThat(branch.plans()).containsOnly("full").hasSize(STEPS);
        assertThat(branch.velocityErrors()).containsOnly(0.0).hasSize(STEPS);
        assertThat(branch.key().worst().error()).isZero();
        assertThat(branch.value().worst().error()).isZero();
      }
      for (DriftReport.Step step : report.steps()) {
        assertThat(step.velocityError()).isZero();
        assertThat(step.latentError()).isZero();
      }
      assertThat(report.policy().image()).isEqualTo(report.off());
      assertThat(report.policy().errors().whole().max()).isZero();
      assertThat(report.policy().errors().whole().psnr()).isInfinite();
      // Rows that nobody reads are a good part of a model of few layers.
      int fewer = (int) Math.round(STEPS * (1 - report.cache().saved()));
      assertThat(report.fewerSteps().steps()).isEqualTo(fewer);
      if (policy instanceof KvPolicy.Off) {
        assertThat(fewer).isEqualTo(STEPS);
        assertThat(report.fewerSteps().image()).isEqualTo(report.off());
      }
      assertThat(report.roundedInputs().latentError()).isPositive();
    }
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void anchoredDriftsAfterItsAnchor(boolean zeroCondT) {
    DriftReport report = drift(engine(zeroCondT), guided(ANCHORED));
    for (DriftReport.Branch branch : report.branches()) {
      assertThat(branch.plans()).containsExactly("full", "cached", "cached", "cached");
      assertThat(branch.velocityErrors().getFirst()).isZero();
      for (DriftMap map : List.of(branch.key(), branch.value())) {
        assertThat(map.references()).isEqualTo(2);
        for (int step = 0; step < STEPS; step++) {
          for (int layer = 0; layer < map.layers(); layer++) {
            for (int reference = 0; reference < 2; reference++) {
              double error = map.error(step, layer, reference);
              if (step == 0 || layer == 0 && zeroCondT) {
                assertThat(error).isZero();
              } else {
                assertThat(error).isPositive();
              }
            }
          }
        }
      }
    }
    assertThat(report.steps().getFirst().latentError()).isZero();
    assertThat(report.steps().getLast().latentError())
        .isPositive()
        .isEqualTo(report.policy().latentError());
    assertThat(report.cache().fullSteps()).isEqualTo(2);
    assertThat(report.cache().cachedSteps()).isEqualTo(2 * (STEPS - 1));
    assertThat(report.policy().flop()).isLessThan(report.roundedInputs().flop());
  }

  /** Copies of what a run of the engine shows, each key's values in order. */
  private static Map<String, List<float[]>> seen(Inkstone engine, EditRequest request) {
    Map<String, List<float[]>> seen = new HashMap<>();
    engine.edit(
        request,
        Listener.NONE,
        GO,
        new Taps() {
          @Override
          public void tap(String key, Tensor value) {
            if (key.equals("latents") || key.matches(".*noise_pred|.*attn\\.(key|value)")) {
              seen.computeIfAbsent(key, k -> new ArrayList<>()).add(value.toFloatArray());
            }
          }
        });
    return seen;
  }

  private static double error(float[] actual, float[] expected, int from, int to) {
    double difference = 0;
    double reference = 0;
    for (int i = from; i < to; i++) {
      double d = (double) actual[i] - expected[i];
      difference += d * d;
      reference += (double) expected[i] * expected[i];
    }
    return Math.sqrt(difference / reference);
  }

  /** What anchored uses is what the first step of the run without reuse has shown. */
  @ParameterizedTest
  @CsvSource({"true, F32", "false, F32", "true, BF16", "false, INT8"})
  void theMapIsTheDistanceBetweenStepsOfTheRunWithoutReuse(boolean zeroCondT, KvDtype dtype) {
    Inkstone engine = engine(zeroCondT);
    RefCache refCache = RefCache.of(ANCHORED).withDtype(dtype);
    DriftReport report = drift(engine, guided(ANCHORED).withRefCache(refCache));
    Map<String, List<float[]>> off = seen(engine, guided(KvPolicy.off()));
    double storage =
        switch (dtype) {
          case F32 -> 0;
          case BF16, F16 -> 0x1p-8;
          case INT8 -> 0.02;
        };
    for (int branch = 0; branch < 2; branch++) {
      DriftReport.Branch measured = report.branches().get(branch);
      int[] ends =
          ends(engine, off.get("transformer_blocks.0.attn.key").get(branch).length, branch);
      for (int layer = 0; layer < measured.key().layers(); layer++) {
        String path = "transformer_blocks." + layer + ".attn.";
        for (boolean value : new boolean[] {false, true}) {
          DriftMap map = value ? measured.value() : measured.key();
          List<float[]> shown = off.get(path + (value ? "value" : "key"));
          float[] anchor = shown.get(branch);
          for (int step = 0; step < STEPS; step++) {
            for (int reference = 0; reference < 2; reference++) {
              double expected =
                  error(anchor, shown.get(2 * step + branch), ends[reference], ends[reference + 1]);
              assertThat(map.error(step, layer, reference))
                  .isCloseTo(expected, within(storage + 1e-9));
              if (dtype != KvDtype.F32 && step == 0) {
                assertThat(map.error(step, layer, reference)).isPositive();
              }
            }
          }
        }
      }
    }
    assertThat(report.cache().dtype()).isEqualToIgnoringCase(dtype.name());
  }

  /** Where the rows of the references begin and end, in floats of {@code [N, H, d]}. */
  private static int[] ends(Inkstone engine, int length, int branch) {
    Map<String, Integer> tokens = new HashMap<>();
    int[] textTokens = new int[2];
    engine.edit(
        guided(KvPolicy.off()).withSteps(1),
        Listener.NONE,
        GO,
        new Taps() {
          @Override
          public void tap(String key, Tensor value) {
            if (key.equals("reference_latents") || key.equals("latents")) {
              tokens.put(key, (int) value.dim(0));
            } else if (key.endsWith("prompt_embeds")) {
              textTokens[key.startsWith("negative") ? 1 : 0] = (int) value.dim(0);
            } else if (key.equals("vae_input.0")) {
              tokens.put(key, (int) (value.dim(0) / 16 * (value.dim(1) / 16)));
            }
          }
        });
    int all = textTokens[branch] + tokens.get("latents") + tokens.get("reference_latents");
    int width = length / all;
    assertThat(width * all).isEqualTo(length);
    int start = textTokens[branch] + tokens.get("latents");
    return new int[] {start * width, (start + tokens.get("vae_input.0")) * width, all * width};
  }

  @ParameterizedTest
  @CsvSource({"true", "false"})
  void thePicturesAndLatentsAreThoseOfTheEdits(boolean zeroCondT) {
    Inkstone engine = engine(zeroCondT);
    DriftReport report = drift(engine, guided(ANCHORED));
    Map<String, List<float[]>> off = seen(engine, guided(KvPolicy.off()));
    Map<String, List<float[]>> policy = seen(engine, guided(ANCHORED));
    for (int step = 0; step < STEPS; step++) {
      float[] expected = off.get("latents").get(step);
      assertThat(report.steps().get(step).latentError())
          .isCloseTo(
              error(policy.get("latents").get(step), expected, 0, expected.length), within(1e-9));
    }
    // At the second step both are still at the same latents.
    float[] velocity = off.get("combined_noise_pred").get(1);
    assertThat(report.steps().get(1).velocityError())
        .isPositive()
        .isCloseTo(
            error(policy.get("combined_noise_pred").get(1), velocity, 0, velocity.length),
            within(1e-9));

    assertThat(report.off())
        .isEqualTo(engine.edit(guided(KvPolicy.off()), Listener.NONE, GO).image());
    Result anchored = engine.edit(guided(ANCHORED), Listener.NONE, GO);
    assertThat(report.policy().image()).isEqualTo(anchored.image());
    assertThat(report.cache()).isEqualTo(anchored.cacheStats());
    assertThat(report.source()).isEqualTo(Resize.lanczos(picture(48, 64, 31), 48, 32));
    int fewer = (int) Math.round(STEPS * (1 - report.cache().saved()));
    assertThat(report.fewerSteps().steps()).isEqualTo(fewer).isBetween(1, STEPS - 1);
    EditRequest shorter = guided(KvPolicy.off()).withSteps(fewer);
    assertThat(report.fewerSteps().image())
        .isEqualTo(engine.edit(shorter, Listener.NONE, GO).image());
  }

  @Test
  void layersOutsideTheRangeAreComparedToo() {
    DriftReport report =
        drift(withZeroCondT, plain(new KvPolicy.Anchored(1, KvPolicy.NEVER, 2, 3)));
    DriftMap key = report.branches().getFirst().key();
    for (int step = 1; step < STEPS; step++) {
      for (int layer = 0; layer < 6; layer++) {
        // Rows of the first layers see nothing that was kept.
        assertThat(key.error(step, layer, 0) == 0).isEqualTo(layer < 2);
      }
    }
  }

  @Test
  void rollingRefreshesSomeRowsAndDriftsLess() {
    double rolling =
        drift(withZeroCondT, plain(new KvPolicy.Rolling(2, 1))).branches().getFirst().key().mean();
    DriftReport.Branch anchored = drift(withZeroCondT, plain(ANCHORED)).branches().getFirst();
    assertThat(rolling).isPositive().isLessThan(anchored.key().mean());
    DriftReport.Branch adaptive =
        drift(withZeroCondT, plain(new KvPolicy.Adaptive(0.05))).branches().getFirst();
    assertThat(adaptive.plans()).startsWith("full", "full").contains("partial");
    assertThat(adaptive.key().worst().step()).isGreaterThan(0);
  }

  /** A copy of a model's folder. */
  private Path copy(Path model) throws IOException {
    Path folder = temporary.resolve("model");
    try (Stream<Path> parts = Files.walk(model)) {
      for (Path part : parts.toList()) {
        Path target = folder.resolve(model.relativize(part).toString());
        if (Files.isDirectory(part)) {
          Files.createDirectories(target);
        } else {
          Files.copy(part, target);
        }
      }
    }
    return folder;
  }

  @Test
  void causalDriftsNowhereWithEachReferenceKeptApart() throws IOException {
    Path folder = copy(Golden.tinyModel());
    Path config = folder.resolve("transformer/config.json");
    Files.writeString(
        config, Files.readString(config).replaceFirst("\\{", "{\"reference_mask\": \"self\", "));
    try (Inkstone causal = Inkstone.open(folder, new EngineOptions(2))) {
      for (KvPolicy policy : List.of(KvPolicy.auto(), new KvPolicy.Causal(true))) {
        DriftReport report = drift(causal, guided(policy));
        for (DriftReport.Branch branch : report.branches()) {
          assertThat(branch.plans()).containsOnly("cached");
          assertThat(branch.key().worst().error()).isZero();
          assertThat(branch.value().worst().error()).isZero();
        }
        assertThat(report.policy().image()).isEqualTo(report.off());
        // Measured without what another run has kept.
        assertThat(report.cache().prefills()).isEqualTo(2);
      }
    }
  }

  @Test
  void tenReferencesOfManySizes() {
    List<Image> pictures = new ArrayList<>();
    for (int i = 0; i < EditRequest.MAX_REFERENCES; i++) {
      pictures.add(picture(32 + 16 * i, 96 - 4 * i, 3 + i));
    }
    EditRequest request =
        EditRequest.of("Mix them.", pictures, Sampling.of(2, 1))
            .withSize(new OutputSize.Exact(32, 32));
    DriftReport report = drift(withZeroCondT, request);
    assertThat(report.refCache().policy()).isInstanceOf(KvPolicy.Anchored.class);
    assertThat(report.branches()).hasSize(1);
    DriftMap key = report.branches().getFirst().key();
    assertThat(key.references()).isEqualTo(EditRequest.MAX_REFERENCES);
    for (int i = 0; i < key.references(); i++) {
      assertThat(key.error(1, 5, i)).isPositive();
    }
  }

  @Test
  void theFirstGenerationAndItsOnePicture() throws IOException {
    Path folder = copy(Golden.path("models/full"));
    Files.writeString(
        folder.resolve("model_index.json"), "{\"_class_name\": \"QwenImageEditPipeline\"}");
    try (Inkstone first = Inkstone.open(folder, new EngineOptions(2))) {
      EditRequest request = EditRequest.of("x", List.of(picture(40, 40, 3)), Sampling.of(2, 1));
      DriftReport report = drift(first, request);
      assertThat(report.pipeline()).isEqualTo("QwenImageEditPipeline");
      assertThat(report.warnings()).anyMatch(w -> w.contains("zero_cond_t"));
    }
  }

  @Test
  void givenSigmasAreThinnedForTheYardstick() {
    List<Float> sigmas = List.of(1f, 0.9f, 0.5f, 0.2f);
    Sampling given = new Sampling(4, 1, 5, FlowShift.AUTO, sigmas);
    EditRequest request =
        new EditRequest(
            "x",
            null,
            List.of(picture(32, 64, 3)),
            new OutputSize.Exact(32, 32),
            given,
            VaeTiling.AUTO,
            RefCache.of(ANCHORED));
    DriftReport report = drift(withZeroCondT, request);
    assertThat(report.steps()).hasSize(4);
    assertThat(report.fewerSteps().steps()).isLessThan(4);
    assertThat(FewerSteps.of(given, 2).sigmas()).containsExactly(1f, 0.5f);
    assertThat(FewerSteps.of(given, 4)).isEqualTo(given);
    assertThat(FewerSteps.of(given, 3).sigmas().get(1)).isCloseTo(0.9f - 0.4f / 3, within(1e-6f));
    assertThat(FewerSteps.count(8, 0.575)).isEqualTo(5);
    assertThat(FewerSteps.count(8, 0.01)).isEqualTo(1);
    assertThat(FewerSteps.count(8, 1)).isEqualTo(8);
  }

  @Test
  void numbersThatAreNoneEndTheReport() throws IOException {
    Path folder = copy(Golden.path("models/full"));
    try (Stream<Path> files = Files.list(folder.resolve("transformer"))) {
      for (Path shard : files.filter(f -> f.toString().endsWith(".safetensors")).toList()) {
        try (RandomAccessFile file = new RandomAccessFile(shard.toFile(), "rw")) {
          file.seek(Long.BYTES + Long.reverseBytes(file.readLong()));
          file.writeLong(-1);
        }
      }
    }
    try (Inkstone broken = Inkstone.open(folder, new EngineOptions(2))) {
      for (KvPolicy policy : List.of(ANCHORED, KvPolicy.exact())) {
        assertThatThrownBy(() -> drift(broken, plain(policy)))
            .isInstanceOf(UnfitModelException.class)
            .hasMessageContaining("expected finite numbers, got an error of NaN");
      }
    }
  }

  @Test
  void aListenerHearsFourPicturesAndTheirSteps() {
    List<String> heard = new ArrayList<>();
    Listener listener =
        new Listener() {
          @Override
          public void stage(Stage stage) {
            heard.add(stage.name());
          }

          @Override
          public void step(int step, int steps, double sigma, Preview preview) {
            heard.add(step + "/" + steps);
            assertThat(preview.projected().width()).isEqualTo(6);
          }
        };
    DriftReport report =
        withZeroCondT.drift(new DriftRequest(plain(ANCHORED).withSteps(2)), listener, GO);
    assertThat(heard)
        .containsExactly(
            "PREPARE_IMAGES",
            "ENCODE_PROMPT",
            "ENCODE_IMAGES",
            "DENOISE",
            "1/2",
            "2/2",
            "DECODE",
            "DENOISE",
            "1/2",
            "2/2",
            "DECODE",
            "DENOISE",
            "1/2",
            "2/2",
            "DECODE",
            "DENOISE",
            "1/1",
            "DECODE");
    assertThat(report.timings().stages().keySet()).containsExactly(Stage.values());
  }

  /** Cancels at the n-th thing that it hears. */
  private static Listener cancelling(CancelToken token, int at) {
    return new Listener() {
      private int heard;

      private void hear() {
        if (heard++ == at) {
          token.cancel();
        }
      }

      @Override
      public void stage(Stage stage) {
        hear();
      }

      @Override
      public void step(int step, int steps, double sigma, Preview preview) {
        hear();
      }
    };
  }

  @Test
  void aCancelAnywhereLeavesTheEngineAsItWas() {
    EditRequest request = guided(ANCHORED).withSteps(2);
    DriftReport expected = drift(withoutZeroCondT, request);
    long held = withoutZeroCondT.nativeBytes();
    for (int at = 0; at < 18; at++) {
      CancelToken token = new CancelToken();
      Listener listener = cancelling(token, at);
      assertThatThrownBy(() -> withoutZeroCondT.drift(new DriftRequest(request), listener, token))
          .isInstanceOf(CancellationException.class);
      assertThat(withoutZeroCondT.nativeBytes()).isEqualTo(held);
    }
    DriftReport again = drift(withoutZeroCondT, request);
    assertThat(again.steps()).isEqualTo(expected.steps());
    assertThat(again.policy()).isEqualTo(expected.policy());
    assertThat(again.off()).isEqualTo(expected.off());
  }

  /** At this size the long part takes more than the text encoder did before. */
  @ParameterizedTest
  @EnumSource(
      value = VaeTiling.class,
      names = {"OFF", "ON"})
  void theMemorySaidBeforeTheFirstStepIsThePeak(VaeTiling tiling) {
    for (KvPolicy policy : List.of(ANCHORED, KvPolicy.exact())) {
      List<Long> memory = new ArrayList<>();
      EditRequest request =
          new EditRequest(
              "x",
              null,
              List.of(picture(64, 64, 3)),
              new OutputSize.Exact(320, 288),
              Sampling.of(2, 5),
              tiling,
              RefCache.of(policy));
      DriftReport report =
          withoutZeroCondT.drift(
              new DriftRequest(request),
              new Listener() {
                @Override
                public void memory(long bytes) {
                  memory.add(bytes);
                }
              },
              GO);
      assertThat(memory).containsExactly(report.peakBytes());
    }
  }

  @Test
  void aBudgetThatIsTooSmallIsSaidAndMeasuredAsWhatRuns() {
    RefCache small = RefCache.of(ANCHORED).withMaxBytes(1000);
    DriftReport report = drift(withZeroCondT, plain(ANCHORED).withRefCache(small));
    assertThat(report.cache().policy()).isEqualTo("exact");
    assertThat(report.warnings()).anyMatch(w -> w.contains("computing everything"));
    assertThat(report.policy().image()).isEqualTo(report.off());
  }

  @Test
  void equalRequestsGiveEqualReports() {
    DriftReport first = drift(withZeroCondT, plain(ANCHORED));
    DriftReport second = drift(withZeroCondT, plain(ANCHORED));
    assertThat(second.steps()).isEqualTo(first.steps());
    assertThat(second.fewerSteps()).isEqualTo(first.fewerSteps());
    assertThat(second.roundedInputs()).isEqualTo(first.roundedInputs());
    assertThat(second.branches().getFirst().key().toLists())
        .isEqualTo(first.branches().getFirst().key().toLists());
  }

  @Test
  void aModelForWordsAloneRefuses() throws IOException {
    Path folder = copy(Golden.path("models/full"));
    Files.writeString(
        folder.resolve("model_index.json"), "{\"_class_name\": \"QwenImagePipeline\"}");
    try (Inkstone words = Inkstone.open(folder, new EngineOptions(1))) {
      assertThatThrownBy(() -> drift(words, plain(ANCHORED)))
          .isInstanceOf(UnfitModelException.class)
          .hasMessageContaining("from words only");
    }
  }

  @Test
  void aMapTakesFiniteErrorsOnly() {
    double[] errors = new double[2 * 3 * 2];
    Arrays.setAll(errors, i -> i);
    DriftMap map = new DriftMap(2, 3, 2, errors);
    assertThat(map.error(1, 2, 0)).isEqualTo(10);
    assertThat(map.worst()).isEqualTo(new DriftMap.Entry(1, 2, 1, 11));
    assertThat(map.least()).isZero();
    assertThat(map.mean()).isEqualTo(5.5);
    assertThat(map.toLists().get(1).get(2)).containsExactly(10.0, 11.0);
    for (double wrong : new double[] {Double.NaN, Double.POSITIVE_INFINITY, -1}) {
      errors[10] = wrong;
      assertThatThrownBy(() -> new DriftMap(2, 3, 2, errors))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("step=1, layer=2, reference=0");
    }
    assertThatThrownBy(() -> new DriftMap(2, 3, 1, errors))
        .isInstanceOf(IllegalArgumentException.class);
  }
}
