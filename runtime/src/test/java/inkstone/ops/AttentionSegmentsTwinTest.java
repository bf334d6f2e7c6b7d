package inkstone.ops;

import inkstone.kernel.ScalarKernels;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Keys and values in segments give the bits of the call with all of them together. */
class AttentionSegmentsTwinTest {
  private static final int HEADS = 4;
  private static final int KV_HEADS = 2;

  /** Tokens of the segments; sums of 333: borders inside tiles, at their edges, two in a tile. */
  private static final int[][] CUTS = {
    {333}, {33, 300}, {128, 205}, {0, 333, 0}, {1, 126, 0, 5, 201}, {129, 3, 1, 190, 10}
  };

  private static final int KEYS = 333;

  @ParameterizedTest
  @ValueSource(ints = {1, 21, 40, 128})
  void f32(int d) {
    try (Twins twins = new Twins()) {
      Tensor k = twins.random(KEYS, KV_HEADS, d);
      Tensor v = twins.random(KEYS, KV_HEADS, d);
      for (int[] cuts : CUTS) {
        List<KeyValue> segments = new ArrayList<>();
        int from = 0;
        for (int tokens : cuts) {
          segments.add(part(twins, k, DType.F32, v, DType.F32, from, tokens));
          from += tokens;
        }
        assertSameBits(twins, segments, d);
      }
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"BF16", "F16"})
  void halves(DType dtype) {
    try (Twins twins = new Twins()) {
      for (int d : new int[] {33, 80}) {
        Tensor k = twins.random(KEYS, KV_HEADS, d);
        Tensor v = twins.random(KEYS, KV_HEADS, d);
        for (int[] cuts : CUTS) {
          List<KeyValue> segments = new ArrayList<>();
          int from = 0;
          for (int tokens : cuts) {
            segments.add(part(twins, k, dtype, v, dtype, from, tokens));
            from += tokens;
          }
          assertSameBits(twins, segments, d);
        }
      }
    }
  }

  /** A store of references beside fresh tokens; keys and values need not agree in dtype. */
  @Test
  void mixedDtypes() {
    int d = 40;
    try (Twins twins = new Twins()) {
      Tensor k = twins.random(KEYS, KV_HEADS, d);
      Tensor v = twins.random(KEYS, KV_HEADS, d);
      assertSameBits(
          twins,
          List.of(
              part(twins, k, DType.F32, v, DType.F32, 0, 61),
              part(twins, k, DType.BF16, v, DType.F16, 61, 100),
              part(twins, k, DType.F16, v, DType.F32, 161, KEYS - 161)),
          d);
    }
  }

  @Test
  void windows() {
    int d = 24;
    try (Twins twins = new Twins()) {
      Tensor k = twins.random(KEYS, KV_HEADS, d);
      Tensor v = twins.random(KEYS, KV_HEADS, d);
      List<KeyValue> segments =
          List.of(
              part(twins, k, DType.F32, v, DType.F32, 0, 47),
              part(twins, k, DType.F32, v, DType.F32, 47, KEYS - 47));
      AttentionMask mask = new AttentionMask.Windows(0, 30, 130, KEYS);
      assertSameBits(twins, segments, k, v, twins.random(KEYS, HEADS, d), mask, 0.2f);
    }
  }

  /** Tokens of {@code k} and {@code v} in memory of their own, rounded to the dtypes. */
  private static KeyValue part(
      Twins twins, Tensor k, DType kType, Tensor v, DType vType, int from, int tokens) {
    return new KeyValue(
        stored(twins, k, kType, from, tokens), stored(twins, v, vType, from, tokens));
  }

  private static Tensor stored(Twins twins, Tensor t, DType dtype, int from, int tokens) {
    Tensor rows = t.rows(from, from + tokens);
    Tensor stored = Tensor.allocate(twins.arena(), "segment", dtype, rows.shape());
    for (long i = 0; i < rows.elements(); i++) {
      stored.setFloat(i, rows.getFloat(i));
    }
    return stored;
  }

  /** All tokens together, widened. */
  private static Tensor together(Twins twins, List<Tensor> parts, int d) {
    Tensor all = Tensor.f32(twins.arena(), "together", KEYS, KV_HEADS, d);
    long at = 0;
    for (Tensor part : parts) {
      for (long i = 0; i < part.elements(); i++) {
        all.setFloat(at++, part.getFloat(i));
      }
    }
    return all;
  }

  private static void assertSameBits(Twins twins, List<KeyValue> segments, int d) {
    Tensor k = together(twins, segments.stream().map(KeyValue::k).toList(), d);
    Tensor v = together(twins, segments.stream().map(KeyValue::v).toList(), d);
    float scale = (float) (1 / Math.sqrt(d));
    boolean[] visible = new boolean[KEYS];
    for (int i = 0; i < KEYS; i++) {
      visible[i] = i % 5 != 2;
    }
    assertSameBits(twins, segments, k, v, twins.random(37, HEADS, d), AttentionMask.NONE, scale);
    assertSameBits(twins, segments, k, v, twins.random(37, HEADS, d), AttentionMask.CAUSAL, scale);
    assertSameBits(
        twins, segments, k, v, twins.random(5, HEADS, d), new AttentionMask.Keys(visible), scale);
  }

  private static void assertSameBits(
      Twins twins,
      List<KeyValue> segments,
      Tensor k,
      Tensor v,
      Tensor q,
      AttentionMask mask,
      float scale) {
    Twins.Op whole = (c, out) -> Attention.forward(c, out, q, k, v, mask, scale);
    Twins.Op cut = (c, out) -> Attention.forward(c, out, q, segments, mask, scale);
    long[] dims = q.shape().toArray();
    float[] expected = twins.run(twins.vector(), whole, dims);
    for (int threads : new int[] {1, 2, 5}) {
      try (Compute c = Compute.open(threads)) {
        TensorAssert.assertBits(
            mask + ", " + threads + " threads, " + segments, expected, twins.run(c, cut, dims));
      }
    }
    if (q.dim(0) < 100) {
      try (Compute c = Compute.open(2, new ScalarKernels())) {
        TensorAssert.assertBits(
            "scalar, " + mask + ", " + segments,
            twins.run(c, whole, dims),
            twins.run(c, cut, dims));
      }
    }
  }
}
