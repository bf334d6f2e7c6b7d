package inkstone.model.dit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class AxialRopeTest {
  private static final List<Integer> AXES = List.of(4, 6, 8);
  private static final int PAIRS = 9;

  @Test
  void everyTokenHasItsSlotAndItsCentredRowAndColumn() {
    List<LatentGrid> images = List.of(new LatentGrid(3, 4), new LatentGrid(2, 1));
    int[][] positions = {
      {2, 2, 2}, // text follows the largest half side, 4 / 2
      {3, 3, 3},
      {0, -2, -2}, // 3 rows are −2, −1, 0; 4 columns are −2 … 1
      {0, -2, -1},
      {0, -2, 0},
      {0, -2, 1},
      {0, -1, -2},
      {0, -1, -1},
      {0, -1, 0},
      {0, -1, 1},
      {0, 0, -2},
      {0, 0, -1},
      {0, 0, 0},
      {0, 0, 1},
      {1, -1, -1}, // a single column is −1
      {1, 0, -1}
    };
    assertPositions(positions, 2, images);
  }

  @Test
  void aReferenceLargerThanTheTargetMovesTheText() {
    assertThat(AxialRope.textStart(List.of(new LatentGrid(8, 8)))).isEqualTo(4);
    assertThat(AxialRope.textStart(List.of(new LatentGrid(8, 8), new LatentGrid(5, 13))))
        .isEqualTo(6);
    assertThat(AxialRope.textStart(List.of(new LatentGrid(8, 8), new LatentGrid(40, 2))))
        .isEqualTo(20);
    assertThat(AxialRope.textStart(List.of(new LatentGrid(1, 1)))).isZero();
  }

  @Test
  void positionsBeyondTheTableAreRefused() {
    List<LatentGrid> large = List.of(new LatentGrid(2, 8192));
    AxialRope.requireInTable(4095, List.of(new LatentGrid(2, 2)));
    assertThatThrownBy(() -> AxialRope.requireInTable(1, large))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "AxialRope: last text position, expected below 4096, got 4096 (1 text tokens after the"
                + " largest image); shorten the prompt or use smaller images");
    assertThatThrownBy(
            () -> AxialRope.requireInTable(1, Collections.nCopies(4097, new LatentGrid(1, 1))))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage(
            "AxialRope: image count, expected at most 4096, got 4097; use fewer references");
    assertThatThrownBy(() -> new LatentGrid(8193, 1))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("expected 1 to 8192 tokens a side, got 8193×1");
    assertThatThrownBy(() -> new LatentGrid(4, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got 4×0");
  }

  private static void assertPositions(int[][] positions, int text, List<LatentGrid> images) {
    try (TensorArena arena = TensorArena.open("test")) {
      Tensor cos = Tensor.f32(arena, "cos", positions.length, PAIRS);
      Tensor sin = Tensor.f32(arena, "sin", positions.length, PAIRS);
      new AxialRope(AXES).fill(cos, sin, text, images);
      for (int row = 0; row < positions.length; row++) {
        int column = 0;
        for (int axis = 0; axis < 3; axis++) {
          int dim = AXES.get(axis);
          for (int i = 0; i < dim; i += 2, column++) {
            double angle = positions[row][axis] / Math.pow(10_000, (double) i / dim);
            long at = (long) row * PAIRS + column;
            assertThat((double) cos.getFloat(at))
                .as("cos of row %d, pair %d", row, column)
                .isCloseTo(Math.cos(angle), within(1e-6));
            assertThat((double) sin.getFloat(at))
                .as("sin of row %d, pair %d", row, column)
                .isCloseTo(Math.sin(angle), within(1e-6));
          }
        }
      }
    }
  }
}
