package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.kernel.ScalarKernels;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ChecksumTwinTest {
  @ParameterizedTest
  @ValueSource(ints = {0, 1, 3, 4, 63, 255, 256, 1021, 65_536, 200_003})
  void readsEveryByte(int bytes) {
    try (TensorArena arena = TensorArena.open("checksum");
        Compute scalar = Compute.open(1, new ScalarKernels())) {
      Tensor t = Tensor.allocate(arena, "bytes", DType.U8, Shape.of(bytes));
      SplittableRandom random = new SplittableRandom(3);
      int expected = 0;
      for (int i = 0; i < bytes; i++) {
        int value = random.nextInt(256);
        t.segment().set(ValueLayout.JAVA_BYTE, i, (byte) value);
        expected += value << 8 * (i % 4);
      }
      assertThat(Checksum.of(scalar, t)).isEqualTo(expected);
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute c = Compute.open(threads)) {
          assertThat(Checksum.of(c, t)).as("%s threads", threads).isEqualTo(expected);
        }
      }
    }
  }
}
