package inkstone.app;

import static inkstone.tensor.TensorAssert.assertAbs;
import static inkstone.tensor.TensorAssert.assertRel;
import static inkstone.tensor.TensorAssert.show;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import inkstone.app.image.PictureReader;
import inkstone.loader.Golden;
import inkstone.loader.json.Json;
import inkstone.model.debug.Taps;
import inkstone.model.drift.PictureError;
import inkstone.model.image.Image;
import inkstone.model.kv.KvPolicy;
import inkstone.model.pipeline.CancelToken;
import inkstone.model.pipeline.DriftReport;
import inkstone.model.pipeline.DriftRequest;
import inkstone.model.pipeline.EditRequest;
import inkstone.model.pipeline.EngineOptions;
import inkstone.model.pipeline.FlowShift;
import inkstone.model.pipeline.GenerateRequest;
import inkstone.model.pipeline.Inkstone;
import inkstone.model.pipeline.Listener;
import inkstone.model.pipeline.OutputSize;
import inkstone.model.pipeline.Preview;
import inkstone.model.pipeline.RefCache;
import inkstone.model.pipeline.Result;
import inkstone.model.pipeline.Sampling;
import inkstone.model.pipeline.VaeTiling;
import inkstone.tensor.Tensor;
import java.io.IOException;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The acceptance of docs/parity.md: the same folder, pictures, prompt, seed and steps give the
 * picture that diffusers gives, and the same tensors on the way to it.
 */
final class EndToEndParityTest {
  /** Largest difference of a colour value, of 255. */
  private static final int MAX_LEVELS = 2;

  /** Largest mean difference of a colour value, of 255. */
  private static final double MEAN_LEVELS = 0.2;

  /** Largest error over the root mean square; docs/parity.md has the measured ones. */
  private static final double EMBEDS_REL = 5e-5;

  private static final double LATENTS_REL = 1e-4;
  private static final double VELOCITY_REL = 5e-4;
  private static final double NOISE_ABS = 1e-6;
  private static final double SIGMA_ABS = 1e-6;
  private static final double DRIFT_LATENTS_ABS = 2e-6;
  private static final double DRIFT_LEVELS_ABS = 1e-3;

  /** Cases that hold every dump point of a run. */
  private static final Set<String> WHOLE =
      Set.of(
          "t2i_4.safetensors",
          "t2i_smallest.safetensors",
          "plus_1_4.safetensors",
          "plus_1_cfg_small_4.safetensors",
          "full_t2i_cfg_1.safetensors",
          "full_plus_1_1.safetensors");

  @TempDir static Path temporary;

  private static final Map<String, Inkstone> ENGINES = new HashMap<>();

  static Stream<String> cases() throws IOException {
    return names("e2e", name -> true);
  }

  /** Whole runs with the reference cache, made by reference/kv_twin.py. */
  static Stream<String> cacheCases() throws IOException {
    return names("kv", name -> !name.startsWith("dit_"));
  }

  private static Stream<String> names(String folder, Predicate<String> which) throws IOException {
    try (Stream<Path> files = Files.list(Golden.path(folder))) {
      return files.map(f -> f.getFileName().toString()).filter(which).sorted().toList().stream();
    }
  }

  @AfterAll
  static void closeEngines() throws IOException {
    ENGINES.values().forEach(Inkstone::close);
    ENGINES.clear();
    // JUnit would delete them too, but with a warning for each link.
    try (Stream<Path> files = Files.walk(temporary)) {
      for (Path link : files.filter(Files::isSymbolicLink).toList()) {
        Files.delete(link);
      }
    }
  }

  @Test
  void everyKindOfCaseIsThere() throws IOException {
    assertThat(cases()).containsAll(WHOLE);
    assertThat(cases().filter(c -> c.startsWith("t2i_"))).hasSizeGreaterThanOrEqualTo(10);
    assertThat(cases().filter(c -> c.startsWith("plus_1_"))).hasSizeGreaterThanOrEqualTo(8);
    assertThat(cases().filter(c -> c.startsWith("plus_2_"))).hasSizeGreaterThanOrEqualTo(3);
    assertThat(cases().filter(c -> c.startsWith("plus_3_"))).hasSizeGreaterThanOrEqualTo(2);
    assertThat(cases().filter(c -> c.startsWith("edit_1_"))).hasSizeGreaterThanOrEqualTo(4);
    assertThat(cases().filter(c -> c.startsWith("full_"))).hasSizeGreaterThanOrEqualTo(5);
  }

  /** Names of the tensors that a case must hold, so that a golden made anew can't compare less. */
  private static List<String> required(String name) {
    List<String> keys = new ArrayList<>(List.of("image", "latents", "prompt_embeds", "input_ids"));
    if (name.contains("cfg") && !name.contains("without")) {
      keys.add("negative_prompt_embeds");
    }
    if (WHOLE.contains(name)) {
      keys.addAll(List.of("noise", "sigmas", "timesteps", "decoded", "denormalized_latents"));
      keys.addAll(List.of("step.0.noise_pred", "step.0.latents"));
      if (name.contains("cfg")) {
        keys.addAll(List.of("step.0.negative_noise_pred", "step.0.combined_noise_pred"));
      }
      if (!name.contains("t2i")) {
        keys.addAll(List.of("vae_input.0", "condition.0", "reference_latents", "image_embeds"));
      }
    }
    return keys;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void givesThePictureThatDiffusersGives(String name) throws IOException {
    try (Golden golden = Golden.open("e2e/" + name)) {
      assertThat(golden.names()).containsAll(required(name));
      Recorder recorder = new Recorder();
      Result result = run(golden.request(), recorder);
      recorder.compare(golden);
      comparePictures(name, golden, result.image());
    }
  }

  @Test
  void everyPolicyWithAGoldenIsThere() throws IOException {
    assertThat(cacheCases().filter(c -> c.startsWith("anchored_"))).hasSizeGreaterThanOrEqualTo(8);
    assertThat(cacheCases().filter(c -> c.startsWith("rolling_"))).hasSizeGreaterThanOrEqualTo(2);
    assertThat(cacheCases().filter(c -> c.startsWith("causal_"))).isNotEmpty();
  }

  @ParameterizedTest
  @MethodSource("cacheCases")
  void aRunWithKeptReferencesGivesThePictureOfTheTwin(String name) throws IOException {
    try (Golden golden = Golden.open("kv/" + name)) {
      assertThat(golden.names()).contains("image", "latents");
      Recorder recorder = new Recorder();
      Result result = run(golden.request(), recorder);
      recorder.compare(golden);
      comparePictures(name, golden, result.image());
      assertThat(result.cacheStats().cachedSteps() + result.cacheStats().partialSteps())
          .as("passes of %s that reused something", name)
          .isPositive();
    }
  }

  /** The twin's distance from its own run without reuse; under a mask it measured another thing. */
  @ParameterizedTest
  @MethodSource("lossyCases")
  void aDriftReportTellsTheDistanceOfTheTwin(String name) throws IOException {
    try (Golden golden = Golden.open("kv/" + name)) {
      Json request = golden.request();
      DriftReport report =
          engine(request).drift(new DriftRequest(edit(request)), Listener.NONE, new CancelToken());
      double latents = doubles(golden.tensor("drift.latents"))[0];
      double[] levels = doubles(golden.tensor("drift.image"));
      PictureError picture = report.policy().errors().whole();
      show(
          "%s: drift of latents off by %.3g, of the mean level by %.3g"
              .formatted(
                  name, report.policy().latentError() - latents, picture.mean() - levels[1]));
      assertThat(report.policy().latentError())
          .as("latents of %s", name)
          .isCloseTo(latents, within(DRIFT_LATENTS_ABS));
      assertThat(picture.max()).as("largest level of %s", name).isEqualTo((int) levels[0]);
      assertThat(picture.mean())
          .as("mean level of %s", name)
          .isCloseTo(levels[1], within(DRIFT_LEVELS_ABS));
    }
  }

  static Stream<String> lossyCases() throws IOException {
    return cacheCases().filter(name -> !name.startsWith("causal_"));
  }

  private static double[] doubles(Tensor tensor) {
    double[] values = new double[Math.toIntExact(tensor.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = tensor.segment().get(ValueLayout.JAVA_DOUBLE_UNALIGNED, 8L * i);
    }
    return values;
  }

  /** The policy of a request; nothing is reused but what is exact when it has none. */
  private static RefCache refCache(Json request) throws IOException {
    if (!request.has("ref_cache")) {
      return RefCache.DEFAULT;
    }
    Json cache = request.get("ref_cache");
    int warmup = cache.has("warmup") ? cache.get("warmup").asInt() : 1;
    boolean layers = cache.has("layers");
    return RefCache.of(
        switch (cache.get("policy").asString()) {
          case "anchored" ->
              new KvPolicy.Anchored(
                  warmup,
                  cache.has("every") ? cache.get("every").asInt() : KvPolicy.NEVER,
                  layers ? cache.get("layers").items().get(0).asInt() : 0,
                  layers ? cache.get("layers").items().get(1).asInt() : KvPolicy.LAST_LAYER);
          case "rolling" -> new KvPolicy.Rolling(cache.get("groups").asInt(), warmup);
          case "causal" -> new KvPolicy.Causal(true);
          default -> throw new IOException("policy " + cache.get("policy"));
        });
  }

  private static List<Image> pictures(Json request) throws IOException {
    List<Image> pictures = new ArrayList<>();
    for (Json picture : request.get("pictures").items()) {
      pictures.add(PictureReader.read(Golden.root().resolve(picture.asString())));
    }
    return pictures;
  }

  private static String negativePrompt(Json request) throws IOException {
    return request.get("negative_prompt").isNull()
        ? null
        : request.get("negative_prompt").asString();
  }

  private static OutputSize size(Json request) throws IOException {
    return request.get("size").asString().equals("auto")
        ? OutputSize.AUTO
        : new OutputSize.Exact(request.get("width").asInt(), request.get("height").asInt());
  }

  private static Sampling sampling(Json request) throws IOException {
    List<Float> sigmas = new ArrayList<>();
    if (request.has("sigmas")) {
      for (Json sigma : request.get("sigmas").items()) {
        sigmas.add((float) sigma.asDouble());
      }
    }
    return new Sampling(
        request.get("steps").asInt(),
        request.get("cfg").asDouble(),
        request.get("seed").asLong(),
        FlowShift.AUTO,
        sigmas);
  }

  private static VaeTiling tiling(Json request) throws IOException {
    return request.flag("vae_tiling", false) ? VaeTiling.ON : VaeTiling.OFF;
  }

  private static EditRequest edit(Json request) throws IOException {
    return new EditRequest(
        request.get("prompt").asString(),
        negativePrompt(request),
        pictures(request),
        size(request),
        sampling(request),
        tiling(request),
        refCache(request));
  }

  private static Result run(Json request, Recorder recorder) throws IOException {
    Inkstone engine = engine(request);
    Result result =
        pictures(request).isEmpty()
            ? engine.generate(
                new GenerateRequest(
                    request.get("prompt").asString(),
                    negativePrompt(request),
                    size(request),
                    sampling(request),
                    tiling(request)),
                recorder,
                new CancelToken(),
                recorder)
            : engine.edit(edit(request), recorder, new CancelToken(), recorder);
    assertThat(result.width()).isEqualTo(request.get("width").asInt());
    assertThat(result.height()).isEqualTo(request.get("height").asInt());
    return result;
  }

  private static void comparePictures(String name, Golden golden, Image actual) {
    Tensor expected = golden.tensor("image"); // [H, W, 3]
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

  /**
   * An engine of the request's model, with another pipeline class or scheduler where it says so.
   */
  private static Inkstone engine(Json request) throws IOException {
    Path model = Golden.root().resolve(request.get("model").asString());
    String pipeline = request.get("pipeline").asString();
    String scheduler = request.has("scheduler") ? request.get("scheduler").toString() : "";
    boolean causal =
        request.has("ref_cache")
            && request.get("ref_cache").get("policy").asString().equals("causal");
    String key = model + pipeline + scheduler + causal;
    if (!ENGINES.containsKey(key)) {
      Path folder = temporary.resolve("model" + ENGINES.size());
      Files.createDirectories(folder.resolve("scheduler"));
      try (Stream<Path> parts = Files.list(model)) {
        for (Path part : parts.toList()) {
          boolean own =
              part.endsWith("scheduler")
                  || part.endsWith("model_index.json")
                  || causal && part.endsWith("transformer");
          if (!own) {
            Files.createSymbolicLink(folder.resolve(part.getFileName()), part);
          }
        }
      }
      if (causal) {
        declareMask(model.resolve("transformer"), folder.resolve("transformer"));
      }
      Files.writeString(
          folder.resolve("model_index.json"), "{\"_class_name\": \"" + pipeline + "\"}");
      Files.writeString(
          folder.resolve("scheduler/scheduler_config.json"),
          merged(
              model.resolve("scheduler/scheduler_config.json"),
              request.has("scheduler") ? request.get("scheduler").fields() : Map.of()));
      ENGINES.put(key, Inkstone.open(folder, new EngineOptions(2)));
    }
    return ENGINES.get(key);
  }

  /** The same transformer, said to be trained with a mask of its references. */
  private static void declareMask(Path from, Path to) throws IOException {
    Files.createDirectories(to);
    Path weights = from.resolve("diffusion_pytorch_model.safetensors");
    Files.createSymbolicLink(to.resolve(weights.getFileName()), weights);
    Json mask = Json.parse("{\"reference_mask\": \"self\"}", "mask");
    Files.writeString(
        to.resolve("config.json"), merged(from.resolve("config.json"), mask.fields()));
  }

  private static String merged(Path config, Map<String, Json> changes) throws IOException {
    Map<String, Object> values = new HashMap<>();
    Json.read(config).fields().forEach((key, value) -> values.put(key, value.raw()));
    changes.forEach((key, value) -> values.put(key, value.raw()));
    List<String> fields = new ArrayList<>();
    values.forEach((key, value) ->
        fields.add("\"" + key + "\": " + (value instanceof String ? "\"" + value + "\"" : value)));
    return "{" + String.join(", ", fields) + "}";
  }

  /** Keeps what a run tells, and holds it against the golden's tensors of the same names. */
  private static final class Recorder implements Taps, Listener {
    private static final Set<String> KEYS =
        Set.of(
            "input_ids",
            "prompt_embeds",
            "negative_prompt_embeds",
            "image_embeds",
            "reference_latents",
            "noise",
            "sigmas",
            "timesteps",
            "noise_pred",
            "negative_noise_pred",
            "combined_noise_pred",
            "latents",
            "denormalized_latents",
            "decoded");

    private final Map<String, List<float[]>> taps = new HashMap<>();
    private int steps;

    @Override
    public void tap(String key, Tensor value) {
      if (KEYS.contains(key) || key.startsWith("vae_input.") || key.startsWith("condition.")) {
        taps.computeIfAbsent(key, k -> new ArrayList<>()).add(value.toFloatArray());
      }
    }

    @Override
    public void step(int step, int steps, double sigma, Preview preview) {
      assertThat(step).isEqualTo(this.steps + 1);
      this.steps = step;
    }

    private void compare(Golden golden) {
      equal(golden, "input_ids", 0, "input_ids");
      equal(golden, "negative_input_ids", 1, "input_ids");
      for (int i = 0; golden.has("vae_input." + i); i++) {
        equal(golden, "vae_input." + i, 0, "vae_input." + i);
        equal(golden, "condition." + i, 0, "condition." + i);
      }
      joined(golden, "image_embeds");
      rel(golden, "prompt_embeds", 0, "prompt_embeds", EMBEDS_REL);
      rel(golden, "negative_prompt_embeds", 0, "negative_prompt_embeds", EMBEDS_REL);
      rel(golden, "reference_latents", 0, "reference_latents", LATENTS_REL);
      abs(golden, "noise", NOISE_ABS);
      abs(golden, "sigmas", SIGMA_ABS);
      abs(golden, "timesteps", 1000 * SIGMA_ABS);
      for (int i = 0; golden.has("step." + i + ".latents"); i++) {
        rel(golden, "step." + i + ".noise_pred", i, "noise_pred", VELOCITY_REL);
        rel(golden, "step." + i + ".negative_noise_pred", i, "negative_noise_pred", VELOCITY_REL);
        rel(golden, "step." + i + ".combined_noise_pred", i, "combined_noise_pred", VELOCITY_REL);
        rel(golden, "step." + i + ".latents", i, "latents", VELOCITY_REL);
      }
      rel(golden, "latents", steps - 1, "latents", VELOCITY_REL);
      rel(golden, "denormalized_latents", 0, "denormalized_latents", VELOCITY_REL);
      rel(golden, "decoded", 0, "decoded", VELOCITY_REL);
    }

    /** Features of all pictures of a run, one behind the other. */
    private void joined(Golden golden, String key) {
      if (golden.has(key)) {
        int length = taps.get(key).stream().mapToInt(part -> part.length).sum();
        float[] all = new float[length];
        int at = 0;
        for (float[] part : taps.get(key)) {
          System.arraycopy(part, 0, all, at, part.length);
          at += part.length;
        }
        taps.put(key, List.of(all));
        rel(golden, key, 0, key, EMBEDS_REL);
      }
    }

    private void equal(Golden golden, String name, int index, String key) {
      if (golden.has(name)) {
        assertAbs(name, golden.floats(name), taps.get(key).get(index), 0);
      }
    }

    private void abs(Golden golden, String key, double tolerance) {
      if (golden.has(key)) {
        assertAbs(named(golden, key), golden.floats(key), taps.get(key).getFirst(), tolerance);
      }
    }

    private void rel(Golden golden, String name, int index, String key, double tolerance) {
      if (golden.has(name)) {
        assertThat(taps).as("taps of %s", name).containsKey(key);
        float[] actual = taps.get(key).get(index);
        assertRel(named(golden, name), golden.floats(name), actual, tolerance);
      }
    }

    private static String named(Golden golden, String tap) {
      return golden.caseName() + " " + tap;
    }
  }
}
