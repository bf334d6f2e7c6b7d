package inkstone.bench;

import inkstone.ops.Attention;
import inkstone.ops.AttentionMask;
import inkstone.ops.KeyValue;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.List;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** Attention of the three networks at their real sizes. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class AttentionBench {
  /** Calls by tokens, heads, key heads and head size. */
  public enum Call {
    DIT_2304(2304, 24, 24, 128),
    DIT_8448(8448, 24, 24, 128),
    TEXT_512(512, 28, 4, 128),
    VISION_784(784, 16, 16, 80),
    VAE_MID_4096(4096, 1, 1, 384);

    final int tokens;
    final int heads;
    final int keyHeads;
    final int headDim;

    Call(int tokens, int heads, int keyHeads, int headDim) {
      this.tokens = tokens;
      this.heads = heads;
      this.keyHeads = keyHeads;
      this.headDim = headDim;
    }

    boolean causal() {
      return this == TEXT_512;
    }

    AttentionMask mask() {
      return causal() ? AttentionMask.CAUSAL : AttentionMask.NONE;
    }
  }

  @Param({"DIT_2304", "TEXT_512", "VISION_784", "VAE_MID_4096"})
  public Call call;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private Tensor q;
  private Tensor k;
  private Tensor v;
  private Tensor out;
  private List<KeyValue> segments;
  private float scale;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    q = bench.random(call.tokens, call.heads, call.headDim);
    k = bench.random(call.tokens, call.keyHeads, call.headDim);
    v = bench.random(call.tokens, call.keyHeads, call.headDim);
    out = bench.zeros(call.tokens, call.heads, call.headDim);
    scale = (float) (1 / Math.sqrt(call.headDim));
    segments = cut();
    bench.check(
        (c, y) ->
            Attention.forward(
                c, y, q.rows(0, 2), k.rows(0, 200), v.rows(0, 200), call.mask(), scale),
        1e-5,
        2,
        call.heads,
        call.headDim);
    bench.check(
        (c, y) -> Attention.forward(c, y, q.rows(0, 2), segments, AttentionMask.NONE, scale),
        1e-5,
        2,
        call.heads,
        call.headDim);
  }

  private List<KeyValue> cut() {
    long text = (long) call.tokens / 8 + 1;
    long reference = (long) call.tokens / 2 + 1;
    long kept = call.tokens - reference;
    return List.of(
        new KeyValue(k.rows(0, text), v.rows(0, text)),
        new KeyValue(k.rows(text, reference), v.rows(text, reference)),
        new KeyValue(
            bench.random(DType.BF16, kept, call.keyHeads, call.headDim),
            bench.random(DType.BF16, kept, call.keyHeads, call.headDim)));
  }

  @Benchmark
  public Tensor attention(Rate rate) {
    Attention.forward(bench.compute(), out, q, k, v, call.mask(), scale);
    count(rate);
    return out;
  }

  /** The same with keys and values in three places, the last in BF16, as a kept reference. */
  @Benchmark
  public Tensor segments(Rate rate) {
    Attention.forward(bench.compute(), out, q, segments, call.mask(), scale);
    count(rate);
    return out;
  }

  private void count(Rate rate) {
    double pairs = (double) call.tokens * call.tokens;
    if (call.causal()) {
      pairs = (pairs + call.tokens) / 2;
    }
    rate.gflop += 4e-9 * pairs * call.heads * call.headDim;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
