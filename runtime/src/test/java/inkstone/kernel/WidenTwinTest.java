package inkstone.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.memory.TensorArena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every 16-bit pattern, widened. */
class WidenTwinTest {
  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"BF16", "F16"})
  void allPatterns(ElementType type) {
    int n = 1 << 16;
    try (TensorArena arena = TensorArena.open("widen")) {
      MemorySegment stored = arena.allocate(2L * n);
      MemorySegment wide = arena.allocate(4L * n);
      for (int i = 0; i < n; i++) {
        stored.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) i);
      }
      VectorMemory.widen(wide.address(), stored.address(), type, n);
      for (int i = 0; i < n; i++) {
        float expected =
            type == ElementType.BF16
                ? Float.intBitsToFloat(i << 16)
                : Float.float16ToFloat((short) i);
        float actual = wide.getAtIndex(ValueLayout.JAVA_FLOAT, i);
        if (Float.isNaN(expected)) {
          assertThat(actual).isNaN();
        } else {
          assertThat(Float.floatToRawIntBits(actual))
              .as("pattern %x", i)
              .isEqualTo(Float.floatToRawIntBits(expected));
        }
      }
    }
  }
}
