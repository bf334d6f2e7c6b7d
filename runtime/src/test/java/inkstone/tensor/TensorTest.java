package inkstone.tensor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;

class TensorTest {
  @Test
  void viewsAndRowsShareMemory() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor t = Tensor.of(arena, "t", new float[] {1, 2, 3, 4, 5, 6}, 3, 2);
      assertThat(t.rows(1, 3).toFloatArray()).containsExactly(3, 4, 5, 6);
      assertThat(t.rows(1, 1).elements()).isZero();
      assertThat(t.view(6).getFloat(4)).isEqualTo(5);
      t.view(2, 3).setFloat(5, 9);
      assertThat(t.getFloat(5)).isEqualTo(9);
      assertThat(t.dim(-1)).isEqualTo(2);
      assertThat(t.named("u").toString()).isEqualTo("u F32[3, 2]");
    }
  }

  @Test
  void storesRoundToNearestEven() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor bf16 = Tensor.allocate(arena, "b", DType.BF16, Shape.of(2));
      bf16.setFloat(0, 0x1.01p0f); // half way between 1 and 1.0078125
      bf16.setFloat(1, 0x1.03p0f); // half way to the next even
      assertThat(bf16.toFloatArray()).containsExactly(1f, 1.015625f);
      Tensor f16 = Tensor.allocate(arena, "h", DType.F16, Shape.of(1));
      f16.setFloat(0, 1.0004883f);
      assertThat(f16.getFloat(0)).isEqualTo(1f);
    }
  }

  @Test
  void integersAreRead() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor t = Tensor.allocate(arena, "i", DType.I64, Shape.of(2));
      t.segment().setAtIndex(ValueLayout.JAVA_LONG, 1, -5);
      assertThat(t.getLong(1)).isEqualTo(-5);
      assertThat(t.getFloat(1)).isEqualTo(-5f);
      assertThatThrownBy(() -> t.setFloat(0, 1)).hasMessageContaining("expected F32, BF16 or F16");
      Tensor f = Tensor.f32(arena, "f", 1);
      assertThatThrownBy(() -> f.getLong(0)).hasMessageContaining("expected an integer type");
    }
  }

  @Test
  void misfitsAreRefused() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor t = Tensor.f32(arena, "t", 2, 3);
      assertThatThrownBy(() -> t.view(5)).hasMessageContaining("another element count");
      assertThatThrownBy(() -> t.rows(1, 3)).hasMessageContaining("inside the first dimension");
      assertThatThrownBy(() -> t.rows(-1, 1)).isInstanceOf(IllegalArgumentException.class);
      assertThatThrownBy(() -> t.copyFrom(new float[5])).hasMessageContaining("6 elements");
      Tensor other = Tensor.allocate(arena, "o", DType.BF16, Shape.of(2, 3));
      assertThatThrownBy(() -> t.copyFrom(other)).hasMessageContaining("BF16");
      assertThatThrownBy(() -> other.copyFrom(new float[6])).hasMessageContaining("expected F32");
      assertThatThrownBy(() -> new Tensor("x", DType.F32, Shape.of(3), t.segment()))
          .hasMessageContaining("needs 12 bytes");
    }
  }

  @Test
  void scaleMultipliesWhatIsRead() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor stored = Tensor.of(arena, "w", new float[] {1, 2, 3, 4}, 2, 2);
      assertThat(stored.scale()).isEqualTo(1);
      Tensor scaled = stored.scaled(0.1f);
      assertThat(scaled.toFloatArray()).containsExactly(0.1f, 2 * 0.1f, 3 * 0.1f, 4 * 0.1f);
      for (Tensor t : List.of(scaled.view(4), scaled.rows(0, 2), scaled.named("v"))) {
        assertThat(t.scale()).isEqualTo(0.1f);
      }
      assertThat(scaled.view(4).rows(3, 4).getFloat(0)).isEqualTo(4 * 0.1f);
      assertThat(scaled.scaled(-2).getFloat(1)).isEqualTo(-4);
      assertThat(stored.getFloat(1)).isEqualTo(2);
      assertThat(scaled).hasToString("w F32[2, 2] * 0.1");
      for (float factor : new float[] {Float.NaN, Float.POSITIVE_INFINITY, -1 / 0f}) {
        assertThatThrownBy(() -> stored.scaled(factor))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessageContaining("Tensor.scaled: factor, expected a finite number, got " + factor)
            .hasMessageContaining("(w); check the scale");
      }
      assertThatThrownBy(() -> scaled.setFloat(0, 1))
          .hasMessageContaining("scale of w, expected 1");
      assertThatThrownBy(() -> scaled.copyFrom(new float[4])).hasMessageContaining("scale of w");
      assertThatThrownBy(() -> stored.copyFrom(scaled))
          .hasMessageContaining("expected another of its dtype, scale")
          .hasMessageContaining("0.1");
      Tensor whole = Tensor.allocate(arena, "i", DType.I32, Shape.of(1)).scaled(3);
      assertThatThrownBy(() -> whole.getLong(0)).hasMessageContaining("scale of i");
    }
  }

  @Test
  void closedTensorRefuses() {
    TensorArena arena = TensorArena.open("t");
    Tensor t = Tensor.f32(arena, "t", 4);
    arena.close();
    assertThatThrownBy(t::address).isInstanceOf(IllegalStateException.class);
    assertThatThrownBy(() -> t.getFloat(0)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void blocksAreCountedReadAndCut() {
    try (TensorArena arena = TensorArena.open("t")) {
      Tensor t = Tensor.allocate(arena, "q", DType.Q8_0, Shape.of(3, 64));
      assertThat(t.segment().byteSize()).isEqualTo(3 * 2 * 34);
      // Row 2, second block: scale 0.5, element 3 is -7.
      t.segment().set(ValueLayout.JAVA_SHORT_UNALIGNED, 5 * 34, Float.floatToFloat16(0.5f));
      t.segment().set(ValueLayout.JAVA_BYTE, 5 * 34 + 2 + 3, (byte) -7);
      assertThat(t.getFloat(2 * 64 + 32 + 3)).isEqualTo(-3.5f);
      assertThat(t.toFloatArray()).hasSize(192).contains(-3.5f);
      assertThat(t.rows(2, 3).getFloat(35)).isEqualTo(-3.5f);
      assertThat(t.rows(1, 1).elements()).isZero();
      assertThat(t.view(6, 32).rows(5, 6).getFloat(3)).isEqualTo(-3.5f);
      assertThat(t.view(192).rows(160, 192).getFloat(3)).isEqualTo(-3.5f);
      assertThatThrownBy(() -> t.view(64, 3)).hasMessageContaining("multiple of its block of 32");
      assertThatThrownBy(() -> t.view(192).rows(8, 40)).hasMessageContaining("multiple");
      assertThatThrownBy(() -> t.setFloat(0, 1)).hasMessageContaining("Q8_0");
      assertThatThrownBy(() -> Tensor.allocate(arena, "k", DType.Q4_K, Shape.of(2, 128)))
          .hasMessageContaining("Tensor: last dimension of Q4_K")
          .hasMessageContaining("multiple of its block of 256, got [2, 128] (k)");
      assertThatThrownBy(() -> Tensor.allocate(arena, "s", DType.Q4_K, Shape.of()))
          .hasMessageContaining("multiple of its block of 256");
      assertThatThrownBy(() -> new Tensor("x", DType.Q6_K, Shape.of(2, 256), t.segment()))
          .hasMessageContaining("needs 420 bytes");
    }
  }
}
