package inkstone.model.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class PatchifyTest {
  private final TensorArena arena = TensorArena.open("t");

  @AfterEach
  void close() {
    arena.close();
  }

  @Test
  void featuresAreChannelRowColumn() {
    // Value 100 c + 10 y + x at channel c of pixel (y, x).
    int h = 4;
    int w = 6;
    int c = 3;
    float[] planar = new float[c * h * w];
    Tensor latents = Tensor.f32(arena, "latents", h, w, c);
    for (int y = 0; y < h; y++) {
      for (int x = 0; x < w; x++) {
        for (int k = 0; k < c; k++) {
          float v = 100 * k + 10 * y + x;
          planar[(k * h + y) * w + x] = v;
          latents.setFloat((long) (y * w + x) * c + k, v);
        }
      }
    }
    Tensor tokens = Tensor.f32(arena, "tokens", 6, 12);
    Patchify.pack(tokens, latents);
    assertThat(tokens.rows(1, 2).toFloatArray())
        .containsExactly(2, 3, 12, 13, 102, 103, 112, 113, 202, 203, 212, 213);
    assertThat(tokens.rows(3, 4).toFloatArray()).startsWith(20, 21, 30, 31, 120);
    Tensor fromPlanar = Tensor.f32(arena, "planar", 6, 12);
    Patchify.packPlanar(fromPlanar, planar, c, h, w);
    assertThat(fromPlanar.toFloatArray()).isEqualTo(tokens.toFloatArray());
    Tensor back = Tensor.f32(arena, "back", h, w, c);
    Patchify.unpack(back, tokens);
    assertThat(back.toFloatArray()).isEqualTo(latents.toFloatArray());
  }

  @Test
  void wrongShapes() {
    Tensor odd = Tensor.f32(arena, "odd", 3, 4, 2);
    Tensor even = Tensor.f32(arena, "even", 4, 4, 2);
    Tensor tokens = Tensor.f32(arena, "tokens", 4, 7);
    assertThatThrownBy(() -> Patchify.pack(tokens, odd))
        .hasMessageContaining("expected even height and width, got 3x4x2");
    assertThatThrownBy(() -> Patchify.pack(tokens, even))
        .hasMessageContaining("expected F32[4, 8], got tokens F32[4, 7]");
    assertThatThrownBy(() -> Patchify.unpack(tokens, tokens)).hasMessageContaining("[h, w, C]");
    assertThatThrownBy(() -> Patchify.packPlanar(tokens, new float[3], 2, 4, 4))
        .hasMessageContaining("expected 32 values, got 3");
  }
}
