package inkstone.model.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import inkstone.memory.TensorArena;
import inkstone.model.kv.KvDtype;
import inkstone.model.kv.KvPolicy;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Loops with reuse at sizes that take no time: what they do and count, never how fast they are. */
final class ReuseRoundsTest {
  private static final int LAYERS = 3;
  private static final int INNER = 2 * 16;
  private static final int TARGET = 4;
  private static final int TEXT = 6;
  private static final int STEPS = 5;

  private static BenchCase step(int references) {
    return new BenchCase(
        BenchWork.STEP,
        Map.of(
            "size",
            32,
            "refs",
            references,
            "text",
            TEXT,
            "layers",
            LAYERS,
            "heads",
            2,
            "head_dim",
            16,
            "text_dim",
            20),
        DType.BF16,
        2);
  }

  private static ReuseResult measure(ReuseCase of) {
    try (BenchSession session = new BenchSession(0)) {
      return ReuseRounds.measure(session, of, 2);
    }
  }

  static List<Arguments> lossy() {
    List<Arguments> all = new ArrayList<>();
    for (KvPolicy policy :
        List.of(
            KvPolicy.anchored(),
            new KvPolicy.Anchored(2, 2, 0, KvPolicy.LAST_LAYER),
            new KvPolicy.Anchored(1, KvPolicy.NEVER, 1, 1),
            new KvPolicy.Rolling(4, 1),
            new KvPolicy.Adaptive(0.5))) {
      for (KvDtype store : KvDtype.values()) {
        all.add(Arguments.of(policy, store));
      }
    }
    return all;
  }

  @ParameterizedTest
  @MethodSource("lossy")
  void everyPolicyRunsAndPassesItsChecks(KvPolicy policy, KvDtype store) {
    ReuseResult result = measure(new ReuseCase(step(2), policy, store, STEPS, true));

    assertThat(result.tokens()).isEqualTo(TEXT + 3 * TARGET);
    assertThat(result.references()).isEqualTo(2 * TARGET);
    for (ReuseFigures loop : List.of(result.off(), result.keys(), result.edit())) {
      assertThat(loop.loop().whole().seconds()).hasSize(2);
      assertThat(loop.full().blocks().min()).isPositive();
      assertThat(loop.rowsComputed() + loop.rowsReused())
          .isEqualTo(STEPS * LAYERS * result.tokens());
    }
    assertThat(result.off().full().whole().seconds()).hasSize(2 * STEPS);
    assertThat(result.off().reusing()).isNull();
    assertThat(result.keys().reusing().blocks().seconds())
        .hasSize(2 * result.keys().reusingSteps());
    assertThat(result.keys().flop()).isLessThan(result.off().flop());
    assertThat(result.edit().flop()).isLessThan(result.keys().flop());
    assertThat(result.formulaShare()).isCloseTo(result.loopFlopShare(result.keys()), within(1e-12));
    assertThat(result.keys().cacheBytes())
        .isEqualTo(result.edit().cacheBytes())
        .isEqualTo(result.formulaBytes());
  }

  @ParameterizedTest
  @CsvSource({"1, F32, true", "2, BF16, false", "3, INT8, true"})
  void anchoredSavesTheShareOfTheReferences(int references, KvDtype store, boolean zeroCondT) {
    ReuseResult result =
        measure(new ReuseCase(step(references), KvPolicy.anchored(), store, STEPS, zeroCondT));

    double share = references * TARGET / (double) (TEXT + (1 + references) * TARGET);
    ReuseFigures keys = result.keys();
    assertThat(result.rowsShare()).isEqualTo(share);
    assertThat(keys.reusingSteps()).isEqualTo(STEPS - 1);
    assertThat(keys.full().whole().seconds()).hasSize(2);
    assertThat(result.flopShare(keys)).isCloseTo(share, within(1e-12));
    assertThat(result.formulaShare()).isCloseTo((STEPS - 1) * share / STEPS, within(1e-12));
    assertThat(keys.rowsReused()).isEqualTo((long) LAYERS * (STEPS - 1) * references * TARGET);
    long row = (long) INNER * (store == KvDtype.F32 ? 4 : store == KvDtype.BF16 ? 2 : 1);
    long scales = store == KvDtype.INT8 ? 2 * 4 : 0;
    assertThat(keys.cacheBytes()).isEqualTo(LAYERS * 2 * references * TARGET * (row + scales));
    assertThat(result.saved(keys))
        .isEqualTo(1 - keys.reusing().median() / result.off().full().median());
    assertThat(result.loopSaved(keys))
        .isEqualTo(1 - keys.loop().median() / result.off().loop().median());
    assertThat(result.blocksSaved(keys))
        .isEqualTo(1 - keys.reusing().blocks().median() / result.off().full().blocks().median());
    assertThat(result.loopBlocksSaved(keys))
        .isEqualTo(1 - keys.loop().blocks().median() / result.off().loop().blocks().median());
    assertThat(keys.loop().blocks().max()).isLessThan(keys.loop().whole().max());
    assertThat(result.keepingShare())
        .isEqualTo(keys.full().median() / result.off().full().median() - 1);
  }

  @Test
  void offAndExactKeepNoKeys() {
    ReuseResult off = measure(new ReuseCase(step(1), KvPolicy.off(), KvDtype.F32, 2, true));
    ReuseResult exact = measure(new ReuseCase(step(1), KvPolicy.exact(), KvDtype.F32, 3, true));

    assertThat(off.measured()).isNull();
    double rows = TEXT + 2 * TARGET;
    assertThat(off.off().flop())
        .isEqualTo(2 * LAYERS * (24.0 * INNER * INNER * rows + 4 * INNER * rows * rows));
    assertThat(exact.keys()).isNull();
    assertThat(exact.measured()).isSameAs(exact.edit());
    assertThat(exact.edit().reusingSteps()).isEqualTo(2);
    assertThat(exact.flopShare(exact.edit())).isPositive();
    assertThat(exact.formulaBytes()).isZero();
  }

  @Test
  void aPolicyThatNeverReusesIsMeasuredAsExact() {
    KvPolicy always = new KvPolicy.Anchored(1, 1, 0, KvPolicy.LAST_LAYER);
    ReuseResult result = measure(new ReuseCase(step(1), always, KvDtype.F32, 3, true));
    ReuseResult late =
        measure(new ReuseCase(step(1), new KvPolicy.Rolling(4, 3), KvDtype.F32, 3, true));

    assertThat(result.keys()).isNull();
    assertThat(late.keys().reusing()).isNull();
    assertThat(late.keys().reusingSteps()).isZero();
    assertThat(late.keys().flop()).isEqualTo(late.off().flop());
  }

  @Test
  void casesWithoutReuseAreRefused() {
    BenchCase step = step(1);
    BenchCase gemm = new BenchCase(BenchWork.GEMM, Map.of(), DType.BF16, 1);
    refused(gemm, KvPolicy.anchored(), 8, "work, expected step, got gemm");
    refused(step(0), KvPolicy.anchored(), 8, "refs, expected 1 or more, got 0");
    refused(step, KvPolicy.anchored(), 1, "steps, expected 2 to 1000, got 1");
    refused(step, KvPolicy.auto(), 8, "policy, expected off, exact, anchored");
    refused(step, new KvPolicy.Causal(true), 8, "policy, expected off, exact");
    refused(step, new KvPolicy.Anchored(1, 1, LAYERS, LAYERS), 8, "first layer, expected below 3");
  }

  private static void refused(BenchCase step, KvPolicy policy, int steps, String message) {
    assertThatThrownBy(() -> new ReuseCase(step, policy, KvDtype.F32, steps, true))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("bench ref cache: " + message);
  }

  @Test
  void otherBitsAndOtherCountsAreRefused() {
    try (TensorArena arena = TensorArena.open("reuse")) {
      Tensor zero = Tensor.of(arena, "zero", new float[] {1, 0}, 2);
      Results.requireSame("it", zero, Tensor.of(arena, "same", new float[] {1, 0}, 2));
      for (float other : new float[] {-0f, Float.MIN_VALUE, Float.NaN}) {
        Tensor wrong = Tensor.of(arena, "other", new float[] {1, other}, 2);
        assertThatThrownBy(() -> Results.requireSame("it", zero, wrong))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("it, element 1, expected the bits of 0.0, got " + other);
      }
      Tensor nan = Tensor.of(arena, "nan", new float[] {Float.NaN}, 1);
      assertThatThrownBy(() -> Results.requireSame("it", nan, nan)).hasMessageContaining("NaN");
    }
    ReuseCheck.requireCounted("it", 1e12, 1e12);
    for (double other : new double[] {1e12 + 10, 1e12 - 10, Double.NaN}) {
      assertThatThrownBy(() -> ReuseCheck.requireCounted("it", 1e12, other))
          .hasMessageContaining("operations of it, expected 1.0E12 by the formula");
    }
  }

  @Test
  void policiesAreDescribed() {
    assertThat(describe(KvPolicy.anchored())).isEqualTo("anchored warmup=1");
    assertThat(describe(new KvPolicy.Anchored(2, 4, 1, KvPolicy.LAST_LAYER)))
        .isEqualTo("anchored warmup=2 every=4 layers=1-2");
    assertThat(describe(new KvPolicy.Rolling(4, 2))).isEqualTo("rolling groups=4 warmup=2");
    assertThat(describe(new KvPolicy.Adaptive(0.1))).isEqualTo("adaptive budget=0.1");
    assertThat(describe(KvPolicy.exact())).isEqualTo("exact");
    assertThat(describe(KvPolicy.off())).isEqualTo("off");
  }

  private static String describe(KvPolicy policy) {
    return new ReuseCase(step(1), policy, KvDtype.F32, 8, true).describe();
  }
}
