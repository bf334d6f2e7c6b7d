package inkstone.model.schedule;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import inkstone.loader.CheckpointException;
import inkstone.loader.Golden;
import inkstone.loader.config.SchedulerConfig;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.StringJoiner;
import org.junit.jupiter.api.Test;

/** Schedules and steps against diffusers' FlowMatchEulerDiscreteScheduler. */
class FlowMatchEulerParityTest {
  @Test
  void schedules() throws Exception {
    try (Golden golden = Golden.open("schedule")) {
      Json configs = golden.request().get("configs");
      int cases = 0;
      int handmade = 0;
      for (Json c : golden.request().get("cases").items()) {
        String key = c.get("key").asString();
        String name = c.get("config").asString();
        SchedulerConfig config = config(configs.get(name));
        int steps = c.get("steps").asInt();
        int tokens = c.get("image_seq_len").asInt();
        boolean given = golden.has(key + ".given");
        float[] sigmas = given ? golden.floats(key + ".given") : null;
        Schedule actual =
            given
                ? FlowMatchEuler.schedule(config, sigmas, tokens)
                : FlowMatchEuler.schedule(config, steps, tokens);
        check(golden, key, actual);
        if (config.useDynamicShifting()) {
          assertThat(actual.mu())
              .as(key)
              .isCloseTo(golden.tensor(key + ".mu").getFloat(0), within(1e-6));
        } else {
          assertThat(actual.mu()).isNaN();
          if (config.shiftTerminal() == 0) {
            // A static shift given by hand over a dynamic configuration is the same thing.
            SchedulerConfig byHand = dynamic(config).withStaticShift(config.shift());
            assertThat(
                    given
                        ? FlowMatchEuler.schedule(byHand, sigmas, tokens)
                        : FlowMatchEuler.schedule(byHand, steps, tokens))
                .isEqualTo(actual);
            handmade++;
          }
        }
        cases++;
      }
      assertThat(cases).isGreaterThanOrEqualTo(180);
      assertThat(handmade).isPositive();
    }
  }

  private static void check(Golden golden, String key, Schedule actual) {
    TensorAssert.assertBits(key + ".sigmas", golden.floats(key + ".sigmas"), actual.sigmas());
    TensorAssert.assertBits(
        key + ".timesteps", golden.floats(key + ".timesteps"), actual.timesteps());
  }

  @Test
  void steps() throws Exception {
    try (Golden golden = Golden.open("schedule");
        Compute compute = Compute.open(1);
        TensorArena arena = TensorArena.open("steps")) {
      Schedule schedule = FlowMatchEuler.schedule(SchedulerConfig.QWEN_IMAGE, 4, 64);
      TensorAssert.assertBits("step.sigmas", golden.floats("step.sigmas"), schedule.sigmas());
      Tensor sample = Tensor.f32(arena, "sample", 2, 64);
      sample.copyFrom(golden.tensor("step.sample"));
      for (int i = 0; i < schedule.steps(); i++) {
        FlowMatchEuler.step(compute, sample, golden.tensor("step." + i + ".v"), schedule.dt(i));
        TensorAssert.assertBits(
            "step." + i, golden.floats("step." + i + ".prev"), sample.toFloatArray());
      }
    }
  }

  private static SchedulerConfig dynamic(SchedulerConfig c) {
    return new SchedulerConfig(
        c.numTrainTimesteps(),
        1,
        true,
        c.baseShift(),
        c.maxShift(),
        c.baseImageSeqLen(),
        c.maxImageSeqLen(),
        false,
        c.shiftTerminal(),
        false,
        false,
        false,
        c.timeShiftType(),
        false);
  }

  private static SchedulerConfig config(Json json) throws CheckpointException {
    StringJoiner text = new StringJoiner(",", "{", "}");
    for (String key : json.keys()) {
      Object value = json.declares(key) ? json.fields().get(key).raw() : null;
      text.add("\"" + key + "\":" + (value instanceof String s ? "\"" + s + "\"" : value));
    }
    return SchedulerConfig.parse(text.toString(), "golden");
  }
}
