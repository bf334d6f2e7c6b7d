package inkstone.model.schedule;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.loader.Golden;
import inkstone.memory.TensorArena;
import inkstone.model.image.Patchify;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/** Noise against {@code torch.randn}. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class NoiseSourceParityTest {
  private static final Pattern ONE = Pattern.compile("seed\\.(-?\\d+)\\.n\\.(\\d+)");
  private static final Pattern DRAW =
      Pattern.compile("draws\\.(\\w+)\\.seed\\.(\\d+)\\.\\d\\d\\.n\\.(\\d+)");
  private static final Pattern LATENTS = Pattern.compile("latents\\.seed\\.(\\d+)\\.(\\d+)x(\\d+)");

  private Golden golden;

  @BeforeAll
  void open() throws Exception {
    golden = Golden.open("noise");
  }

  @AfterAll
  void close() {
    golden.close();
  }

  /**
   * Fewer than 16 values come from double precision and are equal; more come from float32 kernels.
   */
  private static void check(String name, float[] expected, float[] actual) {
    TensorAssert.assertAbs(name, expected, actual, expected.length < 16 ? 0 : 1e-6);
  }

  @Test
  void everySeedAndLength() {
    int cases = 0;
    for (String name : golden.names()) {
      Matcher m = ONE.matcher(name);
      if (m.matches()) {
        float[] actual = new float[Integer.parseInt(m.group(2))];
        NoiseSource.torch(new BigInteger(m.group(1)).longValue()).normal(actual);
        check(name, golden.floats(name), actual);
        cases++;
      }
    }
    assertThat(cases).isGreaterThanOrEqualTo(60);
  }

  @Test
  void callsContinueTheGenerator() {
    Map<String, List<String>> runs = new TreeMap<>();
    for (String name : golden.names()) {
      Matcher m = DRAW.matcher(name);
      if (m.matches()) {
        runs.computeIfAbsent(m.group(1) + "." + m.group(2), k -> new ArrayList<>()).add(name);
      }
    }
    assertThat(runs).hasSizeGreaterThanOrEqualTo(8);
    for (List<String> draws : runs.values()) {
      draws.sort(null);
      Matcher first = DRAW.matcher(draws.getFirst());
      assertThat(first.matches()).isTrue();
      NoiseSource source = NoiseSource.torch(Long.parseLong(first.group(2)));
      for (String name : draws) {
        float[] expected = golden.floats(name);
        float[] actual = new float[expected.length];
        source.normal(actual);
        check(name, expected, actual);
      }
    }
  }

  @Test
  void latentsAndTheirPacking() {
    int cases = 0;
    try (TensorArena arena = TensorArena.open("noise")) {
      for (String name : golden.names()) {
        Matcher m = LATENTS.matcher(name);
        if (!m.matches()) {
          continue;
        }
        int h = Integer.parseInt(m.group(2));
        int w = Integer.parseInt(m.group(3));
        float[] planar = new float[16 * h * w];
        NoiseSource.torch(Long.parseLong(m.group(1))).normal(planar);
        check(name, golden.floats(name), planar);
        Tensor packed = Tensor.f32(arena, "packed", (long) h / 2 * (w / 2), 64);
        Patchify.packPlanar(packed, golden.floats(name), 16, h, w);
        String expected = name.replace("latents", "packed");
        TensorAssert.assertBits(expected, golden.floats(expected), packed.toFloatArray());
        cases++;
      }
    }
    assertThat(cases).isEqualTo(3);
  }
}
