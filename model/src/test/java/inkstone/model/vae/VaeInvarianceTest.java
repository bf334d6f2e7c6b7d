package inkstone.model.vae;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.CheckpointException;
import inkstone.model.debug.Taps;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import org.junit.jupiter.api.Test;

/** What must not change the result: threads, a tiling that one tile satisfies. */
class VaeInvarianceTest {
  @Test
  void threadsDoNotChangeAnyBit() throws CheckpointException {
    float[][] decoded = new float[2][];
    float[][] encoded = new float[2][];
    for (int i = 0; i < 2; i++) {
      try (TinyVae vae = new TinyVae(TinyVae.TINY, Compute.open(1 + 2 * i))) {
        Tensor latents = TinyVae.random(vae.arena, 5, 5, 9, 16);
        Tensor pixels = TinyVae.random(vae.arena, 6, 40, 72, 3);
        decoded[i] = vae.decoder.decode(vae.arena, latents, Tiling.OFF, Taps.NONE).toFloatArray();
        encoded[i] = vae.encoder.encode(vae.arena, pixels, Tiling.OFF, Taps.NONE).toFloatArray();
      }
    }
    TensorAssert.assertBits("decoded", decoded[0], decoded[1]);
    TensorAssert.assertBits("encoded", encoded[0], encoded[1]);
  }

  @Test
  void aPictureOfOneTileIsNotTiledAndIsClamped() throws CheckpointException {
    try (TinyVae vae = TinyVae.open()) {
      Tensor latents = TinyVae.random(vae.arena, 8, 8, 8, 16);
      for (long i = 0; i < latents.elements(); i++) {
        latents.setFloat(i, latents.getFloat(i) * 8);
      }
      Tensor plain = vae.decoder.decode(vae.arena, latents, Tiling.OFF, Taps.NONE);
      Tensor tiled = vae.decoder.decode(vae.arena, latents, Tiling.square(64, 48), Taps.NONE);
      TensorAssert.assertBits("one tile", plain.toFloatArray(), tiled.toFloatArray());
      assertThat(maxAbs(plain)).isEqualTo(1f);
      Tensor split = vae.decoder.decode(vae.arena, latents, Tiling.square(56, 48), Taps.NONE);
      assertThat(maxAbs(split)).isGreaterThan(1f);
    }
  }

  @Test
  void readsEveryWeightOfTheComponent() throws CheckpointException {
    try (TinyVae vae = TinyVae.open()) {
      assertThat(vae.weights.audit().unread()).isEmpty();
    }
  }

  private static float maxAbs(Tensor tensor) {
    float max = 0;
    for (float value : tensor.toFloatArray()) {
      max = Math.max(max, Math.abs(value));
    }
    return max;
  }
}
