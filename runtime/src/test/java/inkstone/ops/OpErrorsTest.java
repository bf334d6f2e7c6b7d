package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import inkstone.kernel.ScalarKernels;
import inkstone.memory.TensorArena;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import java.util.List;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What ops say about misfits: op, what, expected, got, which tensor. */
class OpErrorsTest {
  private final TensorArena arena = TensorArena.open("errors");
  private final Compute c = Compute.open(1, new ScalarKernels());

  @AfterEach
  void close() {
    c.close();
    arena.close();
  }

  private Tensor t(String name, long... dims) {
    return Tensor.f32(arena, name, dims);
  }

  private Tensor bf16(String name, long... dims) {
    return Tensor.allocate(arena, name, DType.BF16, Shape.of(dims));
  }

  private static void refused(ThrowingCallable call, String... parts) {
    assertThatThrownBy(call)
        .isInstanceOf(IllegalArgumentException.class)
        .message()
        .contains("expected", "got")
        .contains(parts);
  }

  @Test
  void linear() {
    Tensor x = t("hidden", 2, 8);
    Tensor w = t("blocks.0.weight", 4, 8);
    refused(
        () -> Linear.forward(c, t("out", 2, 4), t("hidden", 2, 7), w, null),
        "Linear",
        "last dimension of x",
        "8",
        "[2, 7]",
        "hidden",
        "blocks.0.weight");
    refused(() -> Linear.forward(c, t("out", 2, 5), x, w, null), "shape of out", "[2, 4]");
    refused(() -> Linear.forward(c, t("out", 3, 4), x, w, null), "shape of out", "[2, 4]");
    refused(() -> Linear.forward(c, t("out", 2, 4), x, w, t("b", 3)), "bias", "4", "3");
    refused(() -> Linear.forward(c, t("out", 2, 4), bf16("x", 2, 8), w, null), "F32", "BF16");
    Tensor ints = Tensor.allocate(arena, "ints", DType.I8, Shape.of(4, 8));
    refused(
        () -> Linear.forward(c, t("out", 2, 4), x, ints, null), "one of [F32, BF16, F16, ", "I8");
    refused(() -> Linear.forward(c, t("out", 2, 4), x, t("w", 8), null), "rank of weight");
    refused(() -> Linear.forward(c, x, x, t("square", 8, 8), null), "memory of out", "overlap");
    refused(() -> Linear.forward(c, t("out", 2, 4), x, null, null), "weight", "null");
    Linear.forward(c, t("out", 0, 4), t("x", 0, 8), w, null);
  }

  @Test
  void gemvChecksAsLinearDoes() {
    Tensor x = t("hidden", 2, 8);
    Tensor w = t("img_mod.1.weight", 4, 8);
    refused(() -> Gemv.forward(c, t("out", 2, 4), t("x", 2, 7), w, null), "Gemv", "[2, 7]");
    refused(() -> Gemv.forward(c, t("out", 2, 5), x, w, null), "Gemv", "shape of out", "[2, 4]");
    refused(() -> Gemv.forward(c, t("out", 2, 4), x, w, t("b", 3)), "Gemv", "bias");
    refused(() -> Gemv.forward(c, x, x, t("square", 8, 8), null), "memory of out", "overlap");
    Gemv.forward(c, t("out", 0, 4), t("x", 0, 8), w, null);
    refused(() -> Checksum.of(c, null), "Checksum", "null");
  }

  @Test
  void linearTakesPointConvolutions() {
    Tensor w = Tensor.of(arena, "conv", new float[] {1, 2, 3, 4}, 2, 2, 1, 1);
    Tensor x = Tensor.of(arena, "x", new float[] {1, 10}, 1, 2);
    Tensor out = t("out", 1, 2);
    Linear.forward(c, out, x, w, null);
    assertThat(out.toFloatArray()).containsExactly(21, 43);
  }

  @Test
  void norms() {
    Tensor x = t("x", 2, 8);
    refused(() -> LayerNorm.forward(c, t("o", 2, 7), x, null, null, 1e-6f), "shape of out");
    refused(() -> LayerNorm.forward(c, x, x, t("w", 7), null, 1e-6f), "LayerNorm", "weight", "7");
    refused(() -> LayerNorm.modulated(c, x, x, t("s", 8), t("w", 2), 1e-6f), "scale");
    refused(() -> LayerNorm.modulated(c, x, x, null, t("w", 8), 1e-6f), "shift");
    refused(() -> RmsNorm.forward(c, x, x, t("w", 9), 1e-6f), "RmsNorm", "weight");
    refused(() -> RmsNorm.l2(c, x, x, null), "gamma");
    Tensor long4 = t("long", 4, 8);
    refused(() -> RmsNorm.forward(c, long4.rows(1, 3), long4.rows(0, 2), null, 1e-6f), "overlap");
  }

  @Test
  void rope() {
    Tensor x = t("q", 5, 2, 8);
    refused(() -> Rope.interleaved(c, x, t("cos", 5, 8), t("sin", 5, 4)), "cos", "[5, 4]");
    refused(() -> Rope.halfSplit(c, x, t("cos", 5, 4), t("sin", 4, 4)), "sin", "[5, 4]");
    refused(() -> Rope.halfSplit(c, t("odd", 5, 2, 7), t("cos", 5, 3), t("sin", 5, 3)), "even");
    refused(() -> Rope.halfSplit(c, t("flat", 5, 8), t("cos", 5, 4), t("sin", 5, 4)), "rank");
  }

  @Test
  void qkNormRope() {
    Tensor x = t("q", 5, 2, 8);
    Tensor w = t("norm_q", 8);
    Tensor angles = t("angles", 5, 4);
    refused(
        () -> QkNormRope.interleaved(c, x, t("w", 7), angles, angles, 1e-6f),
        "QkNormRope",
        "weight",
        "8",
        "7");
    refused(() -> QkNormRope.interleaved(c, x, null, angles, angles, 1e-6f), "weight", "null");
    refused(() -> QkNormRope.interleaved(c, x, w, t("cos", 4, 4), angles, 1e-6f), "cos", "[4, 4]");
    refused(() -> QkNormRope.interleaved(c, x, w, angles, t("sin", 5, 8), 1e-6f), "sin", "[5, 8]");
    refused(() -> QkNormRope.interleaved(c, t("x", 5, 2, 7), w, angles, angles, 1e-6f), "even");
    refused(() -> QkNormRope.interleaved(c, t("x", 5, 8), w, angles, angles, 1e-6f), "rank");
    refused(() -> QkNormRope.interleaved(c, bf16("x", 5, 2, 8), w, angles, angles, 1e-6f), "BF16");
  }

  @Test
  void attention() {
    Tensor q = t("q", 4, 6, 8);
    Tensor k = t("k", 4, 3, 8);
    Tensor v = t("v", 4, 3, 8);
    Tensor out = t("out", 4, 6, 8);
    AttentionMask none = AttentionMask.NONE;
    refused(() -> Attention.forward(c, t("o", 4, 6, 7), q, k, v, none, 1), "shape of out");
    refused(() -> Attention.forward(c, out, q, t("k", 4, 3, 9), t("v", 4, 3, 9), none, 1), "head");
    refused(() -> Attention.forward(c, out, q, t("k", 4, 4, 8), t("v", 4, 4, 8), none, 1), "heads");
    refused(() -> Attention.forward(c, out, q, k, t("v", 5, 3, 8), none, 1), "shape of v");
    refused(() -> Attention.forward(c, q, q, k, v, none, 1), "overlap");
    refused(() -> Attention.forward(c, out, q, k, v, null, 1), "mask");
    refused(
        () -> Attention.forward(c, out, q, k, v, new AttentionMask.Windows(0, 3), 1),
        "window borders");
    refused(
        () -> Attention.forward(c, out, q, k, v, new AttentionMask.Windows(0, 3, 2, 4), 1),
        "window borders");
    refused(() -> Attention.forward(c, out, q, k, v, new AttentionMask.Keys(true), 1), "key mask");
    Tensor few = t("few", 2, 3, 8);
    refused(
        () -> Attention.forward(c, out, q, few, few, AttentionMask.CAUSAL, 1), "causal", "2", "4");
  }

  @Test
  void attentionSegments() {
    Tensor q = t("q", 4, 6, 8);
    Tensor out = t("out", 4, 6, 8);
    AttentionMask none = AttentionMask.NONE;
    KeyValue good = new KeyValue(bf16("k", 4, 3, 8), t("v", 4, 3, 8));
    refused(() -> Attention.forward(c, out, q, List.of(), none, 1), "segments", "1 or more", "0");
    refused(
        () -> Attention.forward(c, out, q, with(good, t("k1", 2, 3, 9), t("v1", 2, 3, 9)), none, 1),
        "head size of k of segment 1",
        "8",
        "[2, 3, 9]",
        "k1");
    refused(
        () -> Attention.forward(c, out, q, with(good, t("k1", 2, 2, 8), t("v1", 2, 2, 8)), none, 1),
        "heads of k of segment 1",
        "3 as segment 0",
        "[2, 2, 8]");
    refused(
        () -> Attention.forward(c, out, q, with(good, t("k1", 2, 3, 8), t("v1", 1, 3, 8)), none, 1),
        "shape of v of segment 1",
        "[2, 3, 8]",
        "[1, 3, 8]");
    refused(
        () -> Attention.forward(c, out, q, with(good, t("k1", 2, 24), t("v1", 2, 24)), none, 1),
        "rank of k of segment 1");
    Tensor ints = Tensor.allocate(arena, "ints", DType.I8, Shape.of(2, 3, 8));
    refused(
        () -> Attention.forward(c, out, q, with(good, ints, t("v1", 2, 3, 8)), none, 1),
        "dtype of k of segment 1",
        "F32, BF16 or F16",
        "I8");
    refused(
        () -> Attention.forward(c, out, q, with(good, t("k1", 2, 3, 8), null), none, 1),
        "v of segment 1",
        "null");
    Tensor inOut = out.rows(0, 2).view(4, 3, 8);
    refused(
        () -> Attention.forward(c, out, q, with(good, inOut, t("v1", 4, 3, 8)), none, 1),
        "overlap");
    boolean[] flags = new boolean[4];
    refused(
        () ->
            Attention.forward(
                c,
                out,
                q,
                with(good, t("k1", 2, 3, 8), t("v1", 2, 3, 8)),
                new AttentionMask.Keys(flags),
                1),
        "key mask",
        "6",
        "4");
  }

  private static List<KeyValue> with(KeyValue first, Tensor k, Tensor v) {
    return List.of(first, new KeyValue(k, v));
  }

  @Test
  void convolutions() {
    ConvWeights w = Conv.prepare(arena, t("conv.weight", 4, 3, 3, 3), null);
    Conv.Geometry same = Conv.Geometry.same(3);
    refused(
        () -> Conv.forward(c, t("o", 5, 5, 4), t("x", 5, 5, 2), w, same),
        "channels",
        "conv.weight");
    refused(() -> Conv.forward(c, t("o", 5, 4, 4), t("x", 5, 5, 3), w, same), "shape of out");
    refused(
        () ->
            Conv.forward(c, t("o", 1, 1, 4), t("x", 2, 2, 3), w, new Conv.Geometry(1, 0, 0, 0, 0)),
        "height of x with its padding");
    refused(() -> Conv.prepare(arena, t("w", 4, 3, 3), null), "rank of weight");
    refused(() -> Conv.prepare(arena, t("w", 4, 3, 3, 3), t("b", 3)), "bias");
    refused(() -> Conv.Geometry.same(2), "odd");
    refused(() -> new Conv.Geometry(0, 0, 0, 0, 0), "stride");
    refused(
        () -> Conv.forward(c, t("o", 5, 5, 4), t("x", 5, 5, 3), w, same, t("r", 5, 4, 5)),
        "shape of residual");
    Tensor out = t("o", 5, 5, 4);
    refused(() -> Conv.forward(c, out, t("x", 5, 5, 3), w, same, out), "memory of out");
  }

  @Test
  void upsamplingConvolutions() {
    UpsampleConv.Weights w = UpsampleConv.prepare(arena, t("up.weight", 4, 3, 3, 3), null);
    Tensor x = t("x", 5, 5, 3);
    refused(() -> UpsampleConv.forward(c, t("o", 10, 9, 4), x, w), "UpsampleConv", "shape of out");
    refused(
        () -> UpsampleConv.forward(c, t("o", 10, 10, 4), t("x", 5, 5, 2), w),
        "channels of x",
        "up.weight");
    refused(() -> UpsampleConv.prepare(arena, t("w", 4, 3, 5, 5), null), "[Cout, Cin, 3, 3]");
    refused(() -> UpsampleConv.prepare(arena, t("w", 4, 3, 1, 3, 3), null), "shape of weight");
    refused(() -> UpsampleConv.prepare(arena, t("w", 4, 3, 3, 3), t("b", 3)), "bias");
  }

  @Test
  void elementwise() {
    Tensor x = t("x", 2, 8);
    refused(() -> Elementwise.add(c, x, x, t("y", 8, 2)), "Elementwise.add", "second input");
    refused(() -> Elementwise.addGated(c, x, x, t("gate", 2)), "gate");
    refused(() -> Elementwise.scale(c, t("o", 16), x, 2), "shape of out");
    refused(() -> Elementwise.addScaled(c, x, t("y", 2, 7), 2), "shape of y");
    refused(() -> Activations.silu(c, t("o", 16), x), "Activations.silu");
    refused(() -> Activations.swiGlu(c, x, x, t("up", 2, 7)), "Activations.swiGlu");
    refused(() -> Softmax.forward(c, t("o", 16), x), "Softmax");
    refused(() -> Guidance.trueCfg(c, x, x, 4), "overlap");
  }

  @Test
  void narrowing() {
    Tensor x = t("keys", 2, 8);
    Tensor bytes = Tensor.allocate(arena, "bytes", DType.I8, Shape.of(2, 8));
    refused(() -> Narrow.forward(c, bytes, x), "Narrow", "dtype of out", "BF16 or F16", "I8");
    refused(() -> Narrow.forward(c, bf16("o", 8, 2), x), "shape of out", "[2, 8]", "[8, 2]");
    refused(() -> Narrow.forward(c, bf16("o", 2, 8), bf16("x", 2, 8)), "dtype of x", "BF16");
    refused(() -> Narrow.forward(c, x, x), "memory of out", "overlap");
    refused(() -> Narrow.forward(c, null, x), "out", "null");
    refused(() -> Widen.forward(c, x, bytes), "Widen", "dtype of x", "I8");
    refused(() -> Widen.forward(c, bf16("o", 2, 8), x), "dtype of out", "F32", "BF16");
    refused(() -> Widen.forward(c, t("o", 2, 7), x), "shape of out");
    refused(() -> Widen.forward(c, x, x), "memory of out", "overlap");
  }

  @Test
  void int8Rows() {
    Tensor x = t("keys", 4, 3, 8);
    Tensor scales = t("scales", 4, 3);
    Tensor bytes = Tensor.allocate(arena, "bytes", DType.I8, Shape.of(4, 3, 8));
    refused(
        () -> Int8Rows.quantize(c, bf16("o", 4, 3, 8), scales, x),
        "Int8Rows.quantize",
        "dtype of out",
        "I8",
        "BF16");
    refused(() -> Int8Rows.quantize(c, bytes, t("s", 4, 8), x), "shape of scales", "[4, 3]");
    refused(() -> Int8Rows.quantize(c, bytes, scales, t("x", 4, 3, 7)), "shape of out");
    refused(() -> Int8Rows.quantize(c, bytes, scales, bytes), "dtype of x", "F32", "I8");
    refused(
        () -> Int8Rows.quantize(c, bytes, x.rows(0, 1).view(24).rows(0, 12).view(4, 3), x),
        "overlap");
    refused(() -> Int8Rows.dequantize(c, x, x, scales), "Int8Rows.dequantize", "dtype of x", "F32");
    refused(() -> Int8Rows.dequantize(c, t("o", 4, 3, 7), bytes, scales), "shape of x");
    refused(() -> Int8Rows.dequantize(c, x, bytes, t("s", 3, 4)), "shape of scales");
    Int8Rows.quantize(
        c,
        Tensor.allocate(arena, "none", DType.I8, Shape.of(0, 3, 8)),
        t("s", 0, 3),
        t("x", 0, 3, 8));
  }

  @Test
  void rows() {
    Tensor store = bf16("store", 5, 3, 8);
    Tensor few = bf16("few", 2, 3, 8);
    refused(
        () -> Rows.scatter(c, store, new int[] {1, 5}, few), "Rows.scatter", "rows[1]", "0 to 4");
    refused(() -> Rows.scatter(c, store, new int[] {-1, 2}, few), "rows[0]", "-1");
    refused(() -> Rows.scatter(c, store, new int[] {2, 2}, few), "rows[1]", "more than 2");
    refused(() -> Rows.scatter(c, store, new int[] {1}, few), "shape of x", "BF16[1, 3, 8]");
    refused(() -> Rows.scatter(c, store, new int[] {1, 2}, t("x", 2, 3, 8)), "dtype", "F32");
    refused(() -> Rows.scatter(c, store, new int[] {1, 2}, bf16("x", 2, 24)), "[2, 24]");
    refused(() -> Rows.scatter(c, store, new int[] {1, 2}, store.rows(0, 2)), "overlap");
    refused(() -> Rows.gather(c, few, store, new int[] {0, 5}), "Rows.gather", "rows[1]", "0 to 4");
    refused(() -> Rows.gather(c, few, store, new int[] {0, 1, 2}), "shape of out");
    refused(() -> Rows.gather(c, store.rows(0, 2), store, new int[] {0, 1}), "overlap");
  }

  @Test
  void rowDifferences() {
    Tensor x = t("fresh", 2, 8);
    refused(() -> RowDifference.squares(c, x, t("kept", 2, 7)), "RowDifference", "shape of b");
    refused(() -> RowDifference.squares(c, x, bf16("kept", 2, 8)), "dtype of b", "BF16");
    refused(() -> RowDifference.squares(c, bf16("fresh", 2, 8), x), "dtype of a", "BF16");
  }

  @Test
  void closedTensorsAndEngines() {
    TensorArena gone = TensorArena.open("gone");
    Tensor x = Tensor.f32(gone, "x", 2, 8);
    gone.close();
    assertThatThrownBy(() -> Activations.silu(c, x, x))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("closed");
    Compute closed = Compute.open(2, new ScalarKernels());
    closed.close();
    Tensor y = t("y", 2, 8);
    assertThatThrownBy(() -> Activations.silu(closed, y, y))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void describesItself() {
    assertThat(c.describe()).isEqualTo("scalar, 1 thread");
  }
}
