package inkstone.model.vae;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.config.VaeConfig;
import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.List;
import org.junit.jupiter.api.Test;

class LatentStatsTest {
  private static VaeConfig config(List<Float> mean, List<Float> std) {
    return new VaeConfig(8, 2, List.of(1), 1, List.of(), List.of(), 3, mean, std);
  }

  @Test
  void normalizesEachChannel() {
    LatentStats stats =
        new LatentStats(config(List.of(-0.7571f, 1.5508f), List.of(2.8184f, 1.9160f)));
    try (TensorArena arena = TensorArena.open("test")) {
      float[] values = {0.3f, -1.7f, 2.5f, 0f, -0.7571f, 1.5508f};
      Tensor latents = Tensor.of(arena, "latents", values, 1, 3, 2);
      stats.normalize(latents);
      float[] expected = new float[6];
      for (int i = 0; i < 6; i++) {
        expected[i] =
            i % 2 == 0 ? (values[i] + 0.7571f) / 2.8184f : (values[i] - 1.5508f) / 1.9160f;
      }
      TensorAssert.assertBits("normalized", expected, latents.toFloatArray());
      assertThat(latents.getFloat(4)).isZero();
    }
  }

  @Test
  void denormalizesWithTheRoundedReciprocal() {
    LatentStats stats =
        new LatentStats(config(List.of(-0.7571f, 1.5508f), List.of(2.8184f, 1.9160f)));
    try (TensorArena arena = TensorArena.open("test")) {
      float[] values = {0.3f, -1.7f, 2.5f, 0f};
      Tensor latents = Tensor.of(arena, "latents", values, 2, 1, 2);
      stats.denormalize(latents);
      float[] expected = new float[4];
      for (int i = 0; i < 4; i++) {
        expected[i] =
            i % 2 == 0
                ? values[i] / (1.0f / 2.8184f) - 0.7571f
                : values[i] / (1.0f / 1.9160f) + 1.5508f;
      }
      TensorAssert.assertBits("denormalized", expected, latents.toFloatArray());
      stats.normalize(latents);
      TensorAssert.assertAbs("round trip", values, latents.toFloatArray(), 1e-6);
    }
  }

  @Test
  void wrongChannelCountIsRefused() {
    LatentStats stats = new LatentStats(config(List.of(0f, 0f), List.of(1f, 1f)));
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor latents = Tensor.f32(arena, "latents", 4, 4, 3);
      assertThatThrownBy(() -> stats.normalize(latents))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage(
              "LatentStats.normalize: latents, expected F32 [.., 2], got latents F32[4, 4, 3];"
                  + " pass unpacked latents, channels last");
    }
  }

  @Test
  void unusableStatisticsAreRefused() {
    assertThatThrownBy(() -> new LatentStats(config(List.of(0f, 0f), List.of(1f, 0f))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("latents_std[1] is 0, expected a spread");
    assertThatThrownBy(() -> new LatentStats(config(List.of(0f), List.of(1f, 1f))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("latents_mean, expected 2 values as z_dim, got 1");
  }
}
