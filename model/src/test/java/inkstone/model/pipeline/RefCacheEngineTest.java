package inkstone.model.pipeline;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.model.debug.Taps;
import inkstone.model.image.Image;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The key promises once more, on the model that comes with the program. */
final class RefCacheEngineTest {
  private static final CancelToken GO = new CancelToken();
  private static Inkstone engine;

  @BeforeAll
  static void open() throws CheckpointException {
    engine = Inkstone.open(Golden.tinyModel(), new EngineOptions(2));
  }

  @AfterAll
  static void close() {
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

  private static EditRequest edit(KvPolicy policy, KvDtype dtype) {
    return EditRequest.of(
            "Make it blue.", List.of(picture(64, 64, 31), picture(40, 80, 57)), Sampling.of(3, 5))
        .withNegativePrompt("ugly")
        .withCfgScale(3)
        .withSize(new OutputSize.Exact(64, 48))
        .withRefCache(RefCache.of(policy).withDtype(dtype));
  }

  /** Velocities of each step and branch, and the latents, in order. */
  private static Map<String, List<float[]>> watch(EditRequest request, List<Result> results) {
    Map<String, List<float[]>> seen = new TreeMap<>();
    Taps taps =
        new Taps() {
          @Override
          public void tap(String key, Tensor value) {
            if (key.endsWith("noise_pred") || key.equals("latents")) {
              seen.computeIfAbsent(key, k -> new ArrayList<>()).add(value.toFloatArray());
            }
          }
        };
    results.add(engine.edit(request, Listener.NONE, GO, taps));
    return seen;
  }

  @Test
  void exactAndPoliciesWithNothingToLoseGiveThePictureOfOff() {
    List<Result> results = new ArrayList<>();
    var off = watch(edit(KvPolicy.off(), KvDtype.F32), results);
    for (KvPolicy policy :
        List.of(
            KvPolicy.auto(),
            KvPolicy.exact(),
            new KvPolicy.Anchored(1, 1, 0, KvPolicy.LAST_LAYER),
            new KvPolicy.Rolling(1, 1),
            new KvPolicy.Adaptive(0))) {
      var seen = watch(edit(policy, KvDtype.INT8), results);
      assertThat(seen.keySet()).isEqualTo(off.keySet());
      seen.forEach((key, values) -> ReuseRig.assertBits(policy + " " + key, off.get(key), values));
      Result result = results.getLast();
      assertThat(result.image()).isEqualTo(results.getFirst().image());
      assertThat(result.cacheStats().approximate()).isFalse();
      assertThat(result.cacheStats().flop()).isLessThan(result.cacheStats().flopOff());
      assertThat(result.warnings()).isEmpty();
    }
  }

  @Test
  void theFirstStepOfALossyPolicyIsOffAndItsPictureIsItsOwnAgain() {
    List<Result> results = new ArrayList<>();
    var off = watch(edit(KvPolicy.off(), KvDtype.F32), results);
    for (EditRequest request :
        List.of(
            edit(KvPolicy.anchored(), KvDtype.F32),
            edit(new KvPolicy.Anchored(1, KvPolicy.NEVER, 2, 4), KvDtype.INT8),
            edit(new KvPolicy.Rolling(2, 1), KvDtype.BF16),
            edit(new KvPolicy.Adaptive(0.5), KvDtype.F32))) {
      var seen = watch(request, results);
      for (String key : List.of("noise_pred", "negative_noise_pred")) {
        String what = request.refCache() + " " + key;
        TensorAssert.assertBits(what, off.get(key).getFirst(), seen.get(key).getFirst());
        TensorAssert.compare(what, off.get(key).getLast(), seen.get(key).getLast());
      }
      assertThat(results.getLast().cacheStats().approximate()).isTrue();
      // The same request again, after others.
      assertThat(engine.edit(request, Listener.NONE, GO).image())
          .isEqualTo(results.getLast().image());
    }
  }

  @Test
  void aBoundThatNothingFitsGivesThePictureOfOffAndSaysSo() {
    Image off = engine.edit(edit(KvPolicy.off(), KvDtype.F32), Listener.NONE, GO).image();
    EditRequest tight = edit(KvPolicy.anchored(), KvDtype.F32);
    Result result =
        engine.edit(tight.withRefCache(tight.refCache().withMaxBytes(1)), Listener.NONE, GO);
    assertThat(result.image()).isEqualTo(off);
    assertThat(result.cacheStats().policy()).isEqualTo("exact");
    assertThat(result.cacheStats().approximate()).isFalse();
    assertThat(result.warnings())
        .singleElement()
        .asString()
        .contains("anchored needs", "as int8", "computing everything");
  }

  @Test
  void theMemorySaidBeforeTheFirstStepIsThePeak() {
    for (EditRequest request :
        List.of(
            edit(KvPolicy.off(), KvDtype.F32),
            edit(KvPolicy.exact(), KvDtype.F32),
            edit(KvPolicy.anchored(), KvDtype.INT8),
            edit(new KvPolicy.Anchored(1, 2, 0, 3), KvDtype.BF16),
            edit(new KvPolicy.Rolling(2, 1), KvDtype.F32))) {
      List<Long> said = new ArrayList<>();
      Listener listener =
          new Listener() {
            @Override
            public void memory(long bytes) {
              said.add(bytes);
            }
          };
      EditRequest large = request.withSteps(1).withSize(new OutputSize.Exact(256, 192));
      Result result = engine.edit(large, listener, GO);
      assertThat(said).as("%s", request.refCache()).containsExactly(result.peakBytes());
    }
  }
}
