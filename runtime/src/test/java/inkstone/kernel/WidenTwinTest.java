package inkstone.kernel;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.memory.TensorArena;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both twins against what torch and gguf-py computed, and against each other. */
class WidenTwinTest {
  private static final int GUARD = 0x7fedcba9;

  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"BF16", "F16"})
  void allPatternsOf16Bits(ElementType type) {
    byte[] patterns = new byte[2 << 16];
    ByteBuffer shorts = ByteBuffer.wrap(patterns).order(ByteOrder.LITTLE_ENDIAN);
    int[] expected = new int[1 << 16];
    for (int i = 0; i < expected.length; i++) {
      shorts.putShort((short) i);
      float value =
          type == ElementType.BF16
              ? Float.intBitsToFloat(i << 16)
              : Float.float16ToFloat((short) i);
      expected[i] = Float.floatToRawIntBits(value);
    }
    assertBits("scalar", expected, widen(new ScalarKernels(), type, patterns, expected.length));
    assertBits("vector", expected, widen(new VectorKernels(), type, patterns, expected.length));
  }

  /** The files hold the stored bytes, then the bits of the reference's floats. */
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void bitsOfTheReference(ElementType type) throws IOException {
    ByteBuffer file = golden(type.name());
    int blocks = file.remaining() / (type.blockBytes() + 4 * type.blockElements());
    byte[] stored = new byte[blocks * type.blockBytes()];
    file.get(stored);
    int[] expected = new int[blocks * type.blockElements()];
    file.asIntBuffer().get(expected);
    assertThat(blocks).isGreaterThan(20);
    assertThat(file.remaining()).isEqualTo(4 * expected.length);
    assertBits("scalar", expected, widen(new ScalarKernels(), type, stored, expected.length));
    assertBits("vector", expected, widen(new VectorKernels(), type, stored, expected.length));
  }

  /** The files hold all codes; then each scale and the bits of the reference's products. */
  @ParameterizedTest
  @EnumSource(
      value = ElementType.class,
      names = {"F8_E4M3", "F8_E5M2"})
  void scaledBitsOfTheReference(ElementType type) throws IOException {
    ByteBuffer file = golden(type + "_scaled");
    byte[] stored = new byte[256];
    file.get(stored);
    int scales = 0;
    while (file.hasRemaining()) {
      float scale = file.getFloat();
      int[] expected = new int[stored.length];
      file.asIntBuffer().get(expected);
      file.position(file.position() + 4 * expected.length);
      for (Kernels kernels : new Kernels[] {new ScalarKernels(), new VectorKernels()}) {
        String what = kernels.describe() + ", times " + scale;
        assertBits(what, expected, widen(kernels, type, scale, stored, expected.length));
      }
      scales++;
    }
    assertThat(scales).isGreaterThan(5);
  }

  private static ByteBuffer golden(String name) throws IOException {
    Path path =
        Path.of(System.getProperty("inkstone.root"), "reference/golden/widen", name + ".bin");
    return ByteBuffer.wrap(Files.readAllBytes(path)).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Random bytes, NaN and infinite scales among them, at many lengths. */
  @ParameterizedTest
  @EnumSource(ElementType.class)
  void sameBitsAsScalar(ElementType type) {
    SplittableRandom random = new SplittableRandom(11);
    for (int blocks = 0; blocks < 300; blocks += type.blockElements() == 1 ? 1 : 37) {
      byte[] stored = new byte[blocks * type.blockBytes()];
      random.nextBytes(stored);
      int n = blocks * type.blockElements();
      int[] expected = widen(new ScalarKernels(), type, stored, n);
      assertBits(n + " elements", expected, widen(new VectorKernels(), type, stored, n));
    }
  }

  private static int[] widen(Kernels kernels, ElementType type, byte[] stored, int n) {
    return widen(kernels, type, 1, stored, n);
  }

  /**
   * Widens from memory that ends with the last byte, and checks that nothing follows the result.
   */
  private static int[] widen(Kernels kernels, ElementType type, float scale, byte[] stored, int n) {
    try (TensorArena arena = TensorArena.open("widen")) {
      MemorySegment from = arena.allocate(stored.length);
      MemorySegment to = arena.allocate(4L * n + 4);
      MemorySegment.copy(stored, 0, from, ValueLayout.JAVA_BYTE, 0, stored.length);
      to.setAtIndex(ValueLayout.JAVA_INT, n, GUARD);
      kernels.widen(to.address(), from.address(), type, scale, n);
      assertThat(to.getAtIndex(ValueLayout.JAVA_INT, n)).as("what follows").isEqualTo(GUARD);
      return to.asSlice(0, 4L * n).toArray(ValueLayout.JAVA_INT);
    }
  }

  /** Equal bits; a NaN is any NaN. */
  private static void assertBits(String what, int[] expected, int[] actual) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      boolean nan = Float.isNaN(Float.intBitsToFloat(expected[i]));
      if (nan ? !Float.isNaN(Float.intBitsToFloat(actual[i])) : expected[i] != actual[i]) {
        throw new AssertionError(
            what
                + ", element "
                + i
                + ": expected "
                + Integer.toHexString(expected[i])
                + ", got "
                + Integer.toHexString(actual[i]));
      }
    }
  }
}
