package inkstone.model.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/** Every work in every weight type, small: it runs, and its own check finds the result right. */
final class BenchSessionTest {
  private static final Map<String, Integer> SMALL =
      Map.ofEntries(
          Map.entry("m", 5),
          Map.entry("n", 90),
          Map.entry("k", 256),
          Map.entry("tokens", 24),
          Map.entry("text", 6),
          Map.entry("text_dim", 20),
          Map.entry("layers", 2),
          Map.entry("heads", 2),
          Map.entry("head_dim", 16),
          Map.entry("size", 32),
          Map.entry("refs", 1),
          Map.entry("base_dim", 8),
          Map.entry("hidden", 32),
          Map.entry("kv_heads", 1),
          Map.entry("intermediate", 24),
          Map.entry("side", 4),
          Map.entry("out", 16),
          Map.entry("megabytes", 1));

  static List<Arguments> cases() {
    List<Arguments> cases = new ArrayList<>();
    for (BenchWork work : BenchWork.values()) {
      for (DType type : work.dtypes()) {
        cases.add(Arguments.of(work, type));
      }
    }
    return cases;
  }

  @ParameterizedTest
  @MethodSource("cases")
  void runsAndChecks(BenchWork work, DType type) {
    Map<String, Integer> sizes = new LinkedHashMap<>(work.shapes().getFirst());
    sizes.replaceAll((name, real) -> SMALL.get(name));
    BenchCase of = new BenchCase(work, sizes, type, 2);
    try (BenchSession session = new BenchSession(0)) {
      List<BenchResult> results = BenchRounds.measure(session, List.of(of), 2);

      assertThat(results).hasSize(1);
      BenchResult result = results.getFirst();
      assertThat(result.of()).isEqualTo(of);
      assertThat(result.times().seconds()).hasSizeGreaterThanOrEqualTo(2);
      assertThat(result.times().min()).isPositive();
      assertThat(result.peakFlops()).isPositive();
      assertThat(result.facts().flop() + result.facts().bytes()).isPositive();
      assertThat(result.parts().isEmpty()).isEqualTo(work != BenchWork.STEP);
    }
  }

  @Test
  void aStepIsItsBlocksAndTheirParts() {
    Map<String, Integer> sizes = new LinkedHashMap<>(BenchWork.STEP.shapes().getFirst());
    sizes.replaceAll((name, real) -> SMALL.get(name));
    try (BenchSession session = new BenchSession(0)) {
      BenchCase of = new BenchCase(BenchWork.STEP, sizes, DType.F32, 1);
      BenchResult result = BenchRounds.measure(session, List.of(of), 1).getFirst();

      double tokens = 2 * 4 + 6;
      double inner = 32;
      double block = 24 * inner * inner * tokens + 4 * inner * tokens * tokens + 24 * inner * inner;
      assertThat(result.facts().flop()).isGreaterThan(2 * block).isLessThan(3 * block);
      assertThat(result.parts())
          .extracting(BenchResult.Part::family)
          .contains("gemm", "attention", "norm", "modulation", "edges");
      assertThat(result.facts().mappedBytes()).isGreaterThan(4 * 2 * 36 * 32 * 32);
    }
  }

  @Test
  void shareOfNormsRopeAndResiduals() {
    BenchFacts facts = new BenchFacts(1, 1, 0);
    BenchResult result =
        new BenchResult(
            new BenchCase(BenchWork.STEP, Map.of(), DType.BF16, 1),
            new BenchTimes(List.of(11.0)),
            facts,
            1,
            0,
            List.of(part("edges", 2), part("gemm", 6), part("norm", 1.5), part("norm", 0.5)));

    assertThat(result.glueShare()).isEqualTo(0.25);
    assertThat(result.partsSeconds()).isEqualTo(10);
    assertThat(result.joiningShare()).isEqualTo(11.0 / 10 - 1);
  }

  private static BenchResult.Part part(String family, double seconds) {
    return new BenchResult.Part(family, family, new BenchTimes(List.of(seconds)));
  }

  @Test
  void medians() {
    assertThat(new BenchTimes(List.of(3.0, 1.0, 2.0)).median()).isEqualTo(2);
    assertThat(new BenchTimes(List.of(4.0, 1.0, 2.0, 3.0)).median()).isEqualTo(2.5);
    assertThat(new BenchTimes(List.of(4.0, 1.0)).max()).isEqualTo(4);
    assertThatThrownBy(() -> new BenchTimes(List.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("one or more, got none");
  }

  @Test
  void wrongResultsAreRefused() {
    try (TensorArena arena = TensorArena.open("results")) {
      Tensor right = Tensor.of(arena, "right", new float[] {1, -2, 3}, 3);
      Tensor close = Tensor.of(arena, "close", new float[] {1, -2, 3.00001f}, 3);
      Results.requireClose("it", right, close, 1e-5);
      for (float bad : new float[] {3.001f, Float.NaN, Float.POSITIVE_INFINITY}) {
        Tensor wrong = Tensor.of(arena, "wrong", new float[] {1, -2, bad}, 3);
        assertThatThrownBy(() -> Results.requireClose("it", right, wrong, 1e-5))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContaining("bench: it");
      }
      Results.requireFinite("it", right);
      assertThatThrownBy(() ->
              Results.requireFinite("it", Tensor.of(arena, "nan", new float[] {1, Float.NaN}, 2)))
          .hasMessageContaining("element 1, expected a finite number, got NaN");
      assertThatThrownBy(
              () -> Results.requireFinite("it", Tensor.of(arena, "same", new float[] {7, 7}, 2)))
          .hasMessageContaining("only 7.0");
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {
        "F32", "BF16", "F16", "F8_E4M3", "F8_E5M2", "Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q2_K",
        "Q3_K", "Q4_K", "Q5_K", "Q6_K", "IQ4_NL", "IQ4_XS"
      })
  void randomWeightsAreAroundZeroAndOfUnitSize(DType type) {
    try (TensorArena arena = TensorArena.open("random")) {
      Tensor t =
          RandomValues.fill(Tensor.allocate(arena, "random", type, Shape.of(100, 512)), 0.5, 1);
      double sum = 0;
      double squares = 0;
      for (long i = 0; i < t.elements(); i++) {
        double value = t.getFloat(i);
        sum += value;
        squares += value * value;
      }
      double rms = Math.sqrt(squares / t.elements());
      assertThat(rms).isBetween(0.02, 0.7); // NaN and infinity are outside
      assertThat(Math.abs(sum / t.elements())).isLessThan(0.25 * rms);
    }
  }
}
