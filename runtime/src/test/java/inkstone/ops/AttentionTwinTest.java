package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class AttentionTwinTest {
  /** Measured: up to 6e-6 of the rms, which shrinks as more keys are averaged (head size 384). */
  private static final double TOLERANCE = 1e-5;

  @ParameterizedTest
  @CsvSource({
    "1,1,1,1,1",
    "7,7,2,1,8",
    "5,130,1,1,33",
    "40,40,4,2,32",
    "33,257,2,2,80",
    "20,140,1,1,384",
    "200,20,1,1,16",
    "9,300,6,3,5",
    "12,129,2,2,128",
    "3,5,1,1,520"
  })
  void scoresAgainstAllKeys(int sq, int sk, int heads, int kvHeads, int d) {
    try (Twins twins = new Twins()) {
      Tensor q = twins.random(sq, heads, d);
      Tensor k = twins.random(sk, kvHeads, d);
      Tensor v = twins.random(sk, kvHeads, d);
      for (AttentionMask mask : List.of(AttentionMask.NONE, keys(sk))) {
        twins.assertClose(
            mask.getClass().getSimpleName(),
            (c, out) -> Attention.forward(c, out, q, k, v, mask, scale(d)),
            TOLERANCE,
            sq,
            heads,
            d);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1,8", "37,37,16", "150,150,20", "13,140,33", "260,260,8"})
  void causal(int sq, int sk, int d) {
    try (Twins twins = new Twins()) {
      Tensor q = twins.random(sq, 2, d);
      Tensor k = twins.random(sk, 1, d);
      Tensor v = twins.random(sk, 1, d);
      twins.assertClose(
          "causal",
          (c, out) -> Attention.forward(c, out, q, k, v, AttentionMask.CAUSAL, scale(d)),
          TOLERANCE,
          sq,
          2,
          d);
    }
  }

  @Test
  void windows() {
    int s = 190;
    try (Twins twins = new Twins()) {
      Tensor q = twins.random(s, 2, 40);
      Tensor k = twins.random(s, 2, 40);
      Tensor v = twins.random(s, 2, 40);
      AttentionMask mask = new AttentionMask.Windows(0, 16, 16, 17, 60, 190);
      twins.assertClose(
          "windows",
          (c, out) -> Attention.forward(c, out, q, k, v, mask, scale(40)),
          TOLERANCE,
          s,
          2,
          40);
    }
  }

  @ParameterizedTest
  @ValueSource(floats = {0.01f, 1f, 30f})
  void extremeScores(float scale) {
    try (Twins twins = new Twins()) {
      Tensor q = twins.random(10, 1, 64);
      Tensor k = twins.random(150, 1, 64);
      Tensor v = twins.random(150, 1, 64);
      twins.assertClose(
          "scale " + scale,
          (c, out) -> Attention.forward(c, out, q, k, v, AttentionMask.NONE, scale),
          2e-4 * Math.max(scale, 0.1),
          10,
          1,
          64);
    }
  }

  @Test
  void noVisibleKeyGivesZeros() {
    try (Twins twins = new Twins()) {
      Tensor q = twins.random(4, 1, 16);
      Tensor k = twins.random(9, 1, 16);
      AttentionMask mask = new AttentionMask.Keys(new boolean[9]);
      float[] y =
          twins.run(
              twins.vector(), (c, out) -> Attention.forward(c, out, q, k, k, mask, 1f), 4, 1, 16);
      assertThat(y).containsOnly(0f);
    }
  }

  @Test
  void rowDependsOnNothingElse() {
    int s = 230;
    int d = 24;
    try (Twins twins = new Twins()) {
      Tensor q = twins.random(s, 2, d);
      Tensor k = twins.random(s, 1, d);
      Tensor v = twins.random(s, 1, d);
      List<AttentionMask> masks = new ArrayList<>(List.of(AttentionMask.NONE, keys(s)));
      masks.add(AttentionMask.CAUSAL);
      for (AttentionMask mask : masks) {
        Twins.Op op = (c, out) -> Attention.forward(c, out, q, k, v, mask, scale(d));
        float[] whole = twins.run(twins.vector(), op, s, 2, d);
        for (int threads : new int[] {1, 2, 5}) {
          try (Compute c = Compute.open(threads)) {
            TensorAssert.assertBits(threads + " threads", whole, twins.run(c, op, s, 2, d));
            for (int row = 0; row < s; row += 19) {
              int i = row;
              boolean causal = mask instanceof AttentionMask.Causal;
              Tensor seen = causal ? k.rows(0, i + 1) : k;
              Tensor values = causal ? v.rows(0, i + 1) : v;
              float[] one =
                  twins.run(
                      c,
                      (compute, out) ->
                          Attention.forward(
                              compute, out, q.rows(i, i + 1), seen, values, mask, scale(d)),
                      1,
                      2,
                      d);
              TensorAssert.assertBits(
                  mask + " row " + row,
                  Arrays.copyOfRange(whole, row * 2 * d, (row + 1) * 2 * d),
                  one);
            }
          }
        }
      }
    }
  }

  private static AttentionMask keys(int n) {
    boolean[] visible = new boolean[n];
    for (int i = 0; i < n; i++) {
      visible[i] = i % 3 != 1;
    }
    return new AttentionMask.Keys(visible);
  }

  private static float scale(int d) {
    return (float) (1 / Math.sqrt(d));
  }
}
