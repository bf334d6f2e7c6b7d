package inkstone.model.real;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.loader.CheckpointException;
import inkstone.loader.json.Json;
import inkstone.memory.TensorArena;
import inkstone.number.Float8;
import inkstone.tensor.Tensor;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What a slice sees, and that made tensors are what Python made. */
class SliceComparisonTest {
  private static final String KEY = "made.pixel_values";

  @Test
  void theSameNumbersPass() throws CheckpointException {
    try (RealCase golden = RealCase.slice("text_f32")) {
      Comparison comparison = golden.comparison();
      comparison.relative(KEY, golden.input("pixel_values"), 2e-7);
      assertThatThrownBy(comparison::finish)
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("hidden")
          .hasMessageNotContaining(KEY);
    }
  }

  /** Rows and channels inside and outside the kept elements. */
  @ParameterizedTest
  @CsvSource({"0,0", "119,1175", "1,1", "57,600", "118,1174"})
  void oneWrongElementIsSeen(int row, int channel) throws CheckpointException {
    try (RealCase golden = RealCase.slice("text_f32")) {
      Tensor wrong = golden.input("pixel_values");
      long at = row * 1176L + channel;
      wrong.setFloat(at, wrong.getFloat(at) + 2e-3f);
      Comparison comparison = golden.comparison();
      assertThatThrownBy(() -> comparison.relative(KEY, wrong, 2e-5))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining(KEY);
      wrong.setFloat(at, Float.NaN);
      Comparison again = golden.comparison();
      assertThatThrownBy(() -> again.relative(KEY, wrong, 1))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("not finite");
    }
  }

  @Test
  void swappedRowsAndChannelsAreSeen() throws CheckpointException {
    try (RealCase golden = RealCase.slice("text_f32")) {
      Tensor right = golden.input("pixel_values");
      Tensor wrong = Tensor.f32(golden.arena(), "swapped", 120, 1176);
      for (int row = 0; row < 120; row++) {
        int from = row == 1 ? 2 : row == 2 ? 1 : row; // neither row is among the kept ones
        wrong.rows(row, row + 1).copyFrom(right.rows(from, from + 1));
      }
      assertThatThrownBy(() -> golden.comparison().relative(KEY, wrong, 2e-5))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("sums");
    }
  }

  @Test
  void anotherSeedIsRefused() throws CheckpointException {
    try (TensorArena arena = TensorArena.open("made")) {
      String spec =
          "{\"name\":\"a\",\"shape\":[3],\"dtype\":\"BF16\",\"seed\":1,\"spread\":0.5,"
              + "\"checksum\":\"00\"}";
      MadeTensor made = MadeTensor.of(Json.parse(spec, "spec"));
      assertThatThrownBy(() -> made.make(arena))
          .isInstanceOf(AssertionError.class)
          .hasMessageContaining("checksum");
    }
  }

  /** Every value, and the middle between two goes to the even one. */
  @Test
  void eightBitFloatsRoundToNearestEven() {
    for (int code = 0; code <= 0x7e; code++) {
      float value = Float8.e4m3ToFloat((byte) code);
      assertThat(MadeTensor.e4m3(value)).isEqualTo((byte) code);
      assertThat(MadeTensor.e4m3(-value)).isEqualTo((byte) (code | 0x80));
      if (code < 0x7e) {
        float middle = (value + Float8.e4m3ToFloat((byte) (code + 1))) / 2;
        assertThat(MadeTensor.e4m3(middle)).isEqualTo((byte) (code + (code & 1)));
      }
    }
  }
}
