package inkstone.model.kv;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

final class KvPolicyTest {
  static List<Arguments> policies() {
    return List.of(
        Arguments.of(KvPolicy.auto(), "auto", false, false),
        Arguments.of(KvPolicy.off(), "off", false, false),
        Arguments.of(KvPolicy.exact(), "exact", false, false),
        Arguments.of(KvPolicy.anchored(), "anchored", true, true),
        Arguments.of(new KvPolicy.Anchored(3, 2, 1, 4), "anchored", true, true),
        Arguments.of(new KvPolicy.Anchored(1, 1, 0, 9), "anchored", false, false),
        Arguments.of(new KvPolicy.Rolling(2, 1), "rolling", true, true),
        Arguments.of(new KvPolicy.Rolling(1, 5), "rolling", false, false),
        Arguments.of(new KvPolicy.Adaptive(1e-9), "adaptive", true, true),
        Arguments.of(new KvPolicy.Adaptive(0), "adaptive", false, false),
        Arguments.of(new KvPolicy.Causal(true), "causal", false, true),
        Arguments.of(new KvPolicy.Causal(false), "causal", false, true));
  }

  @ParameterizedTest
  @MethodSource("policies")
  void whatCannotDifferKeepsNothingFromStepToStepButCausal(
      KvPolicy policy, String word, boolean lossy, boolean keepsKeys) {
    assertThat(policy.word()).isEqualTo(word);
    assertThat(policy.lossy()).isEqualTo(lossy);
    assertThat(policy.keepsKeys()).isEqualTo(keepsKeys);
  }

  @Test
  void thePublishedSchemeAnchorsAtTheFirstStep() {
    assertThat(KvPolicy.anchored())
        .isEqualTo(new KvPolicy.Anchored(1, Integer.MAX_VALUE, 0, Integer.MAX_VALUE));
  }

  @Test
  void numbersBelowTheLeastAreRefusedByName() {
    assertRefused(() -> new KvPolicy.Anchored(0, 1, 0, 0), "anchored: warmup, expected 1", "got 0");
    assertRefused(() -> new KvPolicy.Anchored(1, 0, 0, 0), "anchored: every, expected 1", "got 0");
    assertRefused(
        () -> new KvPolicy.Anchored(1, 1, -1, 0), "anchored: first layer, expected 0", "got -1");
    assertRefused(
        () -> new KvPolicy.Anchored(1, 1, 3, 2), "anchored: last layer, expected 3", "got 2");
    assertRefused(() -> new KvPolicy.Rolling(0, 1), "rolling: groups, expected 1", "got 0");
    assertRefused(() -> new KvPolicy.Rolling(2, 0), "rolling: warmup, expected 1", "got 0");
    assertRefused(
        () -> new KvPolicy.Rolling(1001, 1), "rolling: groups, expected at most 1000", "got 1001");
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1e-9, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void aBudgetThatIsNoDistanceIsRefused(double budget) {
    assertRefused(
        () -> new KvPolicy.Adaptive(budget), "adaptive: budget, expected", "got " + budget);
  }

  private static void assertRefused(Runnable make, String... parts) {
    assertThatThrownBy(make::run)
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContainingAll(parts);
  }
}
