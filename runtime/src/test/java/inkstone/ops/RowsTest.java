package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class RowsTest {
  private static final int[] ROWS = {0, 3, 4, 50, 99, 1020};

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "I8", "I64", "Q8_0"})
  void scatterAndGather(DType type) {
    for (int threads : new int[] {1, 2, 5}) {
      try (TensorArena arena = TensorArena.open("rows");
          Compute c = Compute.open(threads)) {
        Tensor store = random(arena, type, 1021);
        Tensor few = random(arena, type, ROWS.length);
        byte[][] expected = rows(store);
        byte[][] written = rows(few);
        for (int i = 0; i < ROWS.length; i++) {
          expected[ROWS[i]] = written[i];
        }
        Rows.scatter(c, store, ROWS, few);
        assertThat(rows(store)).isEqualTo(expected);

        Tensor back = random(arena, type, ROWS.length);
        Rows.gather(c, back, store, ROWS);
        assertThat(rows(back)).isEqualTo(written);
      }
    }
  }

  @Test
  void gatherTakesAnyOrder() {
    try (TensorArena arena = TensorArena.open("rows");
        Compute c = Compute.open(2)) {
      Tensor x = Tensor.of(arena, "x", new float[] {0, 1, 10, 11, 20, 21}, 3, 2);
      Tensor out = Tensor.f32(arena, "out", 4, 2);
      Rows.gather(c, out, x, new int[] {2, 0, 2, 1});
      assertThat(out.toFloatArray()).containsExactly(20, 21, 0, 1, 20, 21, 10, 11);
    }
  }

  @Test
  void noRowsChangeNothing() {
    try (TensorArena arena = TensorArena.open("rows");
        Compute c = Compute.open(2)) {
      Tensor store = random(arena, DType.F16, 3);
      byte[][] before = rows(store);
      Tensor none = random(arena, DType.F16, 0);
      Rows.scatter(c, store, new int[0], none);
      Rows.gather(c, none, store, new int[0]);
      assertThat(rows(store)).isEqualTo(before);
    }
  }

  private static Tensor random(TensorArena arena, DType type, int rows) {
    Tensor t = Tensor.allocate(arena, "rows", type, Shape.of(rows, 3, 32));
    byte[] bytes = new byte[(int) t.segment().byteSize()];
    new SplittableRandom(rows).nextBytes(bytes);
    t.segment().asByteBuffer().put(bytes);
    return t;
  }

  private static byte[][] rows(Tensor t) {
    byte[] all = t.segment().toArray(ValueLayout.JAVA_BYTE);
    byte[][] rows = new byte[(int) t.dim(0)][];
    for (int i = 0; i < rows.length; i++) {
      int row = all.length / rows.length;
      rows[i] = Arrays.copyOfRange(all, i * row, (i + 1) * row);
    }
    return rows;
  }
}
