package inkstone.kernel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.ops.Peak;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The peak kernel does all multiply-adds that it is credited with. */
class PeakTwinTest {
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 7, 1000})
  void everyLaneOfEveryChainTakesEveryStep(int steps) {
    float[] vector = run(new VectorKernels(), steps);
    float[] scalar = run(new ScalarKernels(), steps);

    int lanes = vector.length / Kernels.FMA_CHAINS;
    assertThat(scalar).hasSize(Kernels.FMA_CHAINS);
    for (int i = 0; i < vector.length; i++) {
      int chain = i / lanes;
      float expected = start(chain);
      for (int step = 0; step < steps; step++) {
        expected = Math.fma(expected, Kernels.FMA_FACTOR, Kernels.FMA_ADDEND);
      }
      assertThat(vector[i]).as("lane %s of chain %s", i % lanes, chain).isEqualTo(expected);
      assertThat(scalar[chain]).as("chain %s", chain).isEqualTo(expected);
    }
  }

  @Test
  void everyThreadIsCounted() {
    try (Compute one = Compute.open(1);
        Compute two = Compute.open(2)) {
      assertThat(Peak.vectorBits(one)).isEqualTo(VectorShapes.FLOATS.vectorBitSize());
      assertThat(Peak.multiplyAdds(one, 10))
          .isEqualTo(2L * 10 * 512 * Kernels.FMA_CHAINS * VectorShapes.LANES);
      assertThat(Peak.multiplyAdds(two, 10)).isEqualTo(2 * Peak.multiplyAdds(one, 10));
      assertThatThrownBy(() -> Peak.multiplyAdds(one, 0))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("calls, expected 1 or more, got 0");
    }
    try (Compute scalar = Compute.scalar()) {
      assertThat(Peak.vectorBits(scalar)).isEqualTo(32);
    }
  }

  private static float start(int chain) {
    return -3 + chain * 0.7f;
  }

  private static float[] run(Kernels kernels, int steps) {
    int lanes = kernels.lanes();
    try (TensorArena arena = TensorArena.open("peak")) {
      MemorySegment chains = arena.allocate(4L * Kernels.FMA_CHAINS * lanes);
      for (int i = 0; i < Kernels.FMA_CHAINS * lanes; i++) {
        chains.setAtIndex(ValueLayout.JAVA_FLOAT, i, start(i / lanes));
      }
      kernels.fmaPeak(chains.address(), steps);
      return chains.toArray(ValueLayout.JAVA_FLOAT);
    }
  }
}
