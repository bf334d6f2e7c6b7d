package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.kernel.ScalarKernels;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Both twins against what rounding to nearest even means, and against each other. */
class NarrowTwinTest {
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16"})
  void everyPatternComesBack(DType type) {
    try (Twins twins = new Twins()) {
      float[] values = new float[1 << 16];
      short[] expected = new short[1 << 16];
      for (int code = 0; code < values.length; code++) {
        values[code] = decode(type, code);
        // All bits of a NaN come back but the one that tells quiet ones.
        int quiet = type == DType.BF16 ? 0x40 : 0x200;
        expected[code] = (short) (Float.isNaN(values[code]) ? code | quiet : code);
      }
      assertNarrow(twins, type, values, expected);
    }
  }

  /** Each number, each middle between two, and their neighbours: wherever a decision changes. */
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16"})
  void roundsToNearestEven(DType type) {
    List<Float> inputs = new ArrayList<>();
    for (int code = 0; code < infinity(type); code++) {
      float value = decode(type, code);
      float middle = (float) ((magnitude(type, code) + magnitude(type, code + 1)) / 2);
      for (float x : new float[] {value, middle}) {
        for (float y : new float[] {x, Math.nextUp(x), Math.nextDown(x)}) {
          inputs.add(y);
          inputs.add(-y);
        }
      }
    }
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 100_000; i++) {
      inputs.add(Float.intBitsToFloat(random.nextInt()));
    }
    inputs.addAll(
        List.of(Float.MAX_VALUE, Float.MIN_VALUE, -Float.MIN_NORMAL, Float.NEGATIVE_INFINITY));
    float[] values = new float[inputs.size()];
    short[] expected = new short[values.length];
    int nans = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = inputs.get(i);
      if (Float.isNaN(values[i])) {
        values[i] = nans++; // those have a test of their own
      }
      expected[i] = nearest(type, values[i]);
      if (type == DType.F16) {
        assertThat(expected[i]).isEqualTo(Float.floatToFloat16(values[i]));
      }
    }
    try (Twins twins = new Twins()) {
      assertNarrow(twins, type, values, expected);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void nanStaysNan(DType type) {
    SplittableRandom random = new SplittableRandom(5);
    float[] values = new float[10_001];
    for (int i = 0; i < values.length; i++) {
      int bits = random.nextInt() | 0x7f800000;
      values[i] = Float.intBitsToFloat((bits & 0x7fffff) == 0 ? bits | 1 : bits);
    }
    values[0] = Float.intBitsToFloat(0x7f800001); // no bit of it is among the upper 16
    values[1] = Float.intBitsToFloat(0xffffffff);
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels())) {
      Tensor x = Tensor.of(twins.arena(), "nan", values, values.length);
      Tensor expected = narrow(twins, scalar, type, x);
      for (int i = 0; i < values.length; i++) {
        assertThat(expected.getFloat(i)).isNaN();
      }
      assertThat(bytes(narrow(twins, twins.vector(), type, x))).isEqualTo(bytes(expected));
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void sizesAndThreads(DType type) {
    try (Twins twins = new Twins();
        Compute scalar = Compute.open(1, new ScalarKernels());
        Compute one = Compute.open(1);
        Compute five = Compute.open(5)) {
      Tensor random = twins.random(100_003);
      for (int n = 0; n < 200; n += n < 70 ? 1 : 13) {
        assertSame(twins, type, random.rows(n, 2 * n), scalar, one, twins.vector(), five);
      }
      assertSame(twins, type, random, scalar, one, twins.vector(), five);
      assertSame(twins, type, random.rows(3, 50_004), scalar, one, twins.vector(), five);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16", "F8_E4M3", "Q8_0", "Q4_K"})
  void widens(DType type) {
    try (Twins twins = new Twins();
        Compute five = Compute.open(5)) {
      Tensor x = Tensor.allocate(twins.arena(), "stored", type, Shape.of(70, 256));
      SplittableRandom random = new SplittableRandom(9);
      for (long i = 0; i < x.segment().byteSize(); i++) { // bytes below 0x30 make no NaN
        x.segment().set(ValueLayout.JAVA_BYTE, i, (byte) random.nextInt(0x30));
      }
      float[] expected = x.toFloatArray();
      Twins.Op widen = (c, out) -> Widen.forward(c, out, x);
      twins.assertBits("twins", widen, 70, 256);
      for (Compute c : new Compute[] {twins.vector(), five}) {
        assertThat(twins.run(c, widen, 70, 256)).isEqualTo(expected);
      }
    }
  }

  private static void assertNarrow(Twins twins, DType type, float[] values, short[] expected) {
    Tensor x = Tensor.of(twins.arena(), "values", values, values.length);
    try (Compute scalar = Compute.open(1, new ScalarKernels())) {
      for (Compute c : new Compute[] {scalar, twins.vector()}) {
        short[] actual = narrow(twins, c, type, x).segment().toArray(ValueLayout.JAVA_SHORT);
        assertThat(actual).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
          if (actual[i] != expected[i]) {
            throw new AssertionError(
                "%s, %s: %a, expected %04x, got %04x"
                    .formatted(c.describe(), type, values[i], expected[i], actual[i]));
          }
        }
      }
    }
  }

  private static void assertSame(
      Twins twins, DType type, Tensor x, Compute scalar, Compute... others) {
    byte[] expected = bytes(narrow(twins, scalar, type, x));
    for (Compute c : others) {
      assertThat(bytes(narrow(twins, c, type, x)))
          .as("%s elements, %s", x.elements(), c.describe())
          .isEqualTo(expected);
    }
  }

  private static Tensor narrow(Twins twins, Compute c, DType type, Tensor x) {
    Tensor out = Tensor.allocate(twins.arena(), "out", type, x.shape());
    out.segment().fill((byte) 0x55);
    Narrow.forward(c, out, x);
    return out;
  }

  private static byte[] bytes(Tensor t) {
    return t.segment().toArray(ValueLayout.JAVA_BYTE);
  }

  private static float decode(DType type, int code) {
    return type == DType.BF16
        ? Float.intBitsToFloat(code << 16)
        : Float.float16ToFloat((short) code);
  }

  private static int infinity(DType type) {
    return type == DType.BF16 ? 0x7f80 : 0x7c00;
  }

  /** For rounding, infinity stands where the next number would. */
  private static double magnitude(DType type, int code) {
    return code < infinity(type) ? decode(type, code) : type == DType.BF16 ? 0x1p128 : 0x1p16;
  }

  /** The definition: the nearest of the format's numbers, of two equally near the even one. */
  private static short nearest(DType type, float value) {
    double magnitude = Math.abs((double) value);
    int below = 0;
    int above = infinity(type);
    if (magnitude >= magnitude(type, above)) {
      below = above;
    }
    while (above - below > 1) {
      int middle = (below + above) >>> 1;
      if (magnitude(type, middle) <= magnitude) {
        below = middle;
      } else {
        above = middle;
      }
    }
    double toBelow = magnitude - magnitude(type, below);
    double toAbove = magnitude(type, above) - magnitude;
    boolean up = below < above && (toAbove < toBelow || toAbove == toBelow && (below & 1) == 1);
    return (short) ((up ? above : below) | Float.floatToRawIntBits(value) >>> 31 << 15);
  }
}
