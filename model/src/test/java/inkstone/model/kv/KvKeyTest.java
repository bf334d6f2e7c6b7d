package inkstone.model.kv;

import static inkstone.model.kv.KeyMutations.OTHERS;
import static inkstone.model.kv.KeyMutations.mutated;
import static inkstone.model.kv.KeyMutations.names;
import static inkstone.model.kv.KeyMutations.with;
import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

final class KvKeyTest {
  private static final ReferenceKey CAT = new ReferenceKey("cat", 4, 6, 0);
  private static final ReferenceKey DOG = new ReferenceKey("dog", 4, 6, 1);
  static final KvKey KEY =
      new KvKey(
          "weights",
          "lora",
          0,
          List.of(CAT, DOG),
          8,
          9,
          20,
          "text",
          true,
          KvDtype.F32,
          KvPolicy.anchored(),
          "NONE");

  @Test
  void everyComponentAloneIsADifferenceAndNamed() {
    assertThat(OTHERS.keySet()).containsExactlyInAnyOrderElementsOf(names(KvKey.class));
    for (String name : OTHERS.keySet()) {
      KvKey other = mutated(KEY, name);
      assertThat(other).as(name).isNotEqualTo(KEY);
      assertThat(KEY.differences(other)).containsExactly(name);
      assertThat(other.differences(KEY)).containsExactly(name);
    }
  }

  @Test
  void everyFieldOfAReferenceAloneIsADifference() {
    Map<String, Object> others = Map.of("digest", "cow", "height", 6, "width", 4, "index", 2);
    assertThat(others.keySet()).containsExactlyInAnyOrderElementsOf(names(ReferenceKey.class));
    others.forEach((name, value) -> {
      KvKey other = with(KEY, "references", List.of(CAT, with(DOG, name, value)));
      assertThat(KEY.differences(other)).as(name).containsExactly("references");
    });
  }

  @Test
  void fewerMoreAndOtherReferencesAreDifferences() {
    for (List<ReferenceKey> references :
        List.of(
            List.<ReferenceKey>of(),
            List.of(CAT),
            List.of(DOG, CAT),
            List.of(CAT, DOG, new ReferenceKey("cow", 1, 1, 2)))) {
      assertThat(KEY.differences(with(KEY, "references", references)))
          .containsExactly("references");
    }
  }

  @Test
  void equalValuesAreEqualWhoeverHoldsThem() {
    List<ReferenceKey> references = new java.util.ArrayList<>(KEY.references());
    KvKey same =
        new KvKey(
            new String("weights"),
            new String("lora"),
            0,
            references,
            8,
            9,
            20,
            new String("text"),
            true,
            KvDtype.F32,
            new KvPolicy.Anchored(1, KvPolicy.NEVER, 0, KvPolicy.LAST_LAYER),
            "NONE");
    references.clear(); // the key has a copy
    assertThat(same).isEqualTo(KEY).hasSameHashCodeAs(KEY);
    assertThat(KEY.differences(same)).isEmpty();
  }

  @Test
  void allDifferencesAreNamedInOrder() {
    KvKey other = with(with(with(KEY, "mask", "SELF"), "branch", 1), "text", "other");
    assertThat(KEY.differences(other)).containsExactly("branch", "text", "mask");
  }
}
