package inkstone.model.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import inkstone.model.debug.Taps;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PassTest {
  @Test
  void whatLivesAtOnceHasItsOwnMemoryAndTheBlockIsNoLarger() {
    MemoryPlan plan = Pass.plan(PassTest::chain);
    assertThat(plan.bytes()).isEqualTo(64 * (4 + 8)); // the two largest neighbours
    try (TensorArena arena = TensorArena.open("test");
        Pass pass = Pass.open(null, arena, "pass", Taps.NONE, plan)) {
      assertThat(arena.allocatedBytes()).isEqualTo(plan.bytes());
      chain(pass);
      assertThat(arena.peakBytes()).isEqualTo(plan.bytes());
    }
  }

  /** Each tensor is twice as large as the one before, which dies when the next is there. */
  private static void chain(Pass pass) {
    Tensor x = pass.take("x", 16);
    for (int size = 32; size <= 128; size *= 2) {
      Tensor next = pass.take("next", size);
      pass.give(x);
      x = next;
    }
    Tensor small = pass.take("small", 32);
    pass.give(x);
    pass.give(small);
  }

  /** Random lifetimes: a tensor keeps its content while others come and go. */
  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5})
  void contentStaysUntilItIsGivenBack(long seed) {
    MemoryPlan plan = Pass.plan(pass -> churn(pass, seed, false));
    try (TensorArena arena = TensorArena.open("test");
        Pass pass = Pass.open(null, arena, "pass", Taps.NONE, plan)) {
      churn(pass, seed, true);
      pass.restart();
      churn(pass, seed, true);
    }
  }

  private static void churn(Pass pass, long seed, boolean real) {
    Random random = new Random(seed);
    List<Tensor> alive = new ArrayList<>();
    for (int i = 0; i < 200; i++) {
      if (!alive.isEmpty() && (i >= 190 || random.nextInt(3) == 0 || alive.size() > 6)) {
        Tensor old = alive.remove(random.nextInt(alive.size()));
        for (long e = 0; real && e < old.elements(); e++) {
          assertThat(old.getFloat(e)).isEqualTo((float) old.elements());
        }
        pass.give(old);
      } else if (i < 190) {
        Tensor tensor = pass.take("t" + i, 1 + random.nextInt(300));
        for (long e = 0; real && e < tensor.elements(); e++) {
          tensor.setFloat(e, (float) tensor.elements());
        }
        alive.add(tensor);
      }
    }
    alive.forEach(pass::give);
  }

  @Test
  void aPlanDoesNotCompute() {
    Pass.plan(pass -> {
      pass.run(_ -> assertThat(false).as("computes").isTrue());
      Tensor x = pass.take("x", 4);
      assertThatThrownBy(() -> x.setFloat(0, 1)).isInstanceOf(IllegalStateException.class);
      pass.give(x);
    });
  }

  @Test
  void otherTensorsThanPlannedAreRefused() {
    MemoryPlan plan = Pass.plan(pass -> pass.give(pass.take("x", 16)));
    try (TensorArena arena = TensorArena.open("test");
        Pass pass = Pass.open(null, arena, "pass", Taps.NONE, plan)) {
      assertThatThrownBy(() -> pass.take("y", 17))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("Pass.take: y [17] is number 0");
      Tensor x = pass.take("x", 16);
      assertThatThrownBy(() -> pass.take("more", 1))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContaining("number 1");
      assertThatThrownBy(pass::restart).isInstanceOf(IllegalStateException.class);
      pass.give(x);
      assertThatThrownBy(() -> pass.give(x)).isInstanceOf(IllegalStateException.class);
    }
  }
}
