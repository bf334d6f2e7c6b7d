package inkstone.model.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import inkstone.loader.config.SchedulerConfig;
import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class FlowMatchEulerTest {
  private static final SchedulerConfig QWEN = SchedulerConfig.QWEN_IMAGE;

  @Test
  void thePublishedFourStepSchedule() {
    Schedule schedule = FlowMatchEuler.schedule(QWEN, 4, 4096);
    assertThat(schedule.sigmas())
        .containsExactly(new float[] {1, 0.7667f, 0.4556f, 0.02f, 0}, within(1e-4f));
    assertThat(schedule.steps()).isEqualTo(4);
    assertThat(schedule.mu()).isCloseTo(0.5 + 0.4 * (4096 - 256) / (8192 - 256), within(1e-12));
  }

  @Test
  void oneStepStaysAtOneWhereDiffusersDividesByZero() {
    assertThat(FlowMatchEuler.schedule(QWEN, 1, 64).sigmas()).containsExactly(1, 0);
    assertThat(FlowMatchEuler.schedule(staticShift(3.1), 1, 64).sigmas()[0])
        .isCloseTo(1, within(1e-6f));
  }

  @Test
  void aStaticShiftIsAllThereIs() {
    assertThat(FlowMatchEuler.schedule(staticShift(1), 4, 64).sigmas())
        .containsExactly(new float[] {1, 0.75f, 0.5f, 0.25f, 0}, within(1e-6f));
    assertThat(FlowMatchEuler.schedule(staticShift(3), 2, 64).sigmas())
        .containsExactly(new float[] {1, 0.75f, 0}, within(1e-6f));
  }

  @Test
  void sigmasAlwaysFall() {
    for (int steps = 1; steps <= 60; steps++) {
      for (double shift : new double[] {0.1, 1, 3.1, 7.7, 100}) {
        Schedule schedule = FlowMatchEuler.schedule(staticShift(shift), steps, 64);
        for (int i = 0; i < steps; i++) {
          assertThat(schedule.dt(i)).as("%s steps, shift %s", steps, shift).isNegative();
          assertThat(schedule.modelTimestep(i)).isCloseTo(schedule.sigma(i), within(1e-6f));
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {0, -1, 10_001, 1_000_000_000, Integer.MIN_VALUE})
  void impossibleStepCounts(int steps) {
    assertThatThrownBy(() -> FlowMatchEuler.schedule(QWEN, steps, 64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("FlowMatchEuler: steps, expected 1 to 10000, got " + steps);
  }

  @ParameterizedTest
  @CsvSource({
    "NaN, 0.5, sigma 1",
    "Infinity, 0.5, sigma 1",
    "1.5, 0.5, sigma 1",
    "0.5, 0.5, sigma 2",
    "0.5, 0.7, sigma 2",
    "0.5, 0, sigma 2",
    "0.5, -0.1, sigma 2",
    "0.5, NaN, sigma 2"
  })
  void impossibleSigmas(float first, float second, String named) {
    assertThatThrownBy(() -> FlowMatchEuler.schedule(QWEN, new float[] {first, second}, 64))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(named)
        .hasMessageContaining("expected");
  }

  @Test
  void noSigmas() {
    assertThatThrownBy(() -> FlowMatchEuler.schedule(QWEN, new float[0], 64))
        .hasMessage("FlowMatchEuler: sigmas, expected 1 to 10000 of them, got 0");
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -1, Double.NaN, Double.POSITIVE_INFINITY})
  void impossibleShifts(double shift) {
    assertThatThrownBy(() -> FlowMatchEuler.schedule(staticShift(shift), 4, 64))
        .hasMessageContaining("shift, expected a finite number above 0, got " + shift);
  }

  @Test
  void noTokens() {
    assertThatThrownBy(() -> FlowMatchEuler.schedule(QWEN, 4, 0))
        .hasMessageContaining("image tokens, expected 1 or more, got 0");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "use_karras_sigmas",
        "use_exponential_sigmas",
        "use_beta_sigmas",
        "invert_sigmas",
        "stochastic_sampling"
      })
  void refusesByName(String key) throws Exception {
    SchedulerConfig config = SchedulerConfig.parse("{\"" + key + "\": true}", "test");
    assertThatThrownBy(() -> FlowMatchEuler.requireSupported(config))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining(key + ", expected false, got true")
        .hasMessageContaining("use a model whose");
    assertThatThrownBy(() -> FlowMatchEuler.schedule(config, 4, 64)).hasMessageContaining(key);
  }

  @Test
  void aLinearShiftBelowZeroIsRefused() throws Exception {
    SchedulerConfig config =
        SchedulerConfig.parse(
            "{\"use_dynamic_shifting\": true, \"time_shift_type\": \"linear\", \"base_shift\": -2, \"max_shift\": -1}",
            "test");
    assertThatThrownBy(() -> FlowMatchEuler.schedule(config, 4, 64))
        .hasMessageContaining("shifted sigma")
        .hasMessageContaining("check shift");
  }

  @Test
  void stepsCheckShapes() {
    try (Compute compute = Compute.open(1);
        TensorArena arena = TensorArena.open("t")) {
      Tensor sample = Tensor.f32(arena, "sample", 2, 3);
      Tensor velocity = Tensor.f32(arena, "velocity", 3, 2);
      assertThatThrownBy(() -> FlowMatchEuler.step(compute, sample, velocity, -0.5f))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("velocity");
    }
  }

  private static SchedulerConfig staticShift(double shift) {
    return QWEN.withStaticShift(shift);
  }
}
