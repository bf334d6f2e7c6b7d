package inkstone.bench;

import inkstone.ops.Guidance;
import inkstone.ops.LayerNorm;
import inkstone.ops.QkNormRope;
import inkstone.ops.RmsNorm;
import inkstone.ops.Rope;
import inkstone.ops.Softmax;
import inkstone.tensor.Tensor;
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

/** Norms, softmax, guidance and rotary embedding, row by row; bound by memory. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class NormBench {
  private static final int TOKENS = 2304;
  private static final int CHANNELS = 3072;
  private static final int HEADS = 24;
  private static final int HEAD_DIM = 128;
  private static final int TEXT_TOKENS = 1024;
  private static final int TEXT_HEADS = 28;
  private static final int LATENTS = 4096;
  private static final int LATENT_CHANNELS = 64;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private Tensor x;
  private Tensor out;
  private Tensor shift;
  private Tensor scale;
  private Tensor weight;
  private Tensor gamma;
  private Tensor cos;
  private Tensor sin;
  private Tensor queries;
  private Tensor ones;
  private Tensor text;
  private Tensor positive;
  private Tensor negative;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    x = bench.random(TOKENS, CHANNELS);
    out = bench.zeros(TOKENS, CHANNELS);
    shift = bench.random(CHANNELS);
    scale = bench.random(CHANNELS);
    weight = bench.random(HEAD_DIM);
    gamma = bench.random(96);
    cos = bench.zeros(TOKENS, HEAD_DIM / 2);
    sin = bench.zeros(TOKENS, HEAD_DIM / 2);
    for (long i = 0; i < cos.elements(); i++) { // true angles keep what turns in place finite
      cos.setFloat(i, (float) Math.cos(i));
      sin.setFloat(i, (float) Math.sin(i));
    }
    text = bench.random(TEXT_TOKENS, TEXT_HEADS, HEAD_DIM);
    positive = bench.random(LATENTS, LATENT_CHANNELS);
    negative = bench.random(LATENTS, LATENT_CHANNELS);
    bench.check(
        (c, y) -> LayerNorm.modulated(c, y, x.rows(0, 5), shift, scale, 1e-6f), 1e-5, 5, CHANNELS);
    bench.check((c, y) -> Softmax.forward(c, y, x.rows(0, 5)), 1e-5, 5, CHANNELS);
    queries = bench.random(TOKENS, HEADS, HEAD_DIM);
    ones = bench.zeros(HEAD_DIM);
    for (int i = 0; i < HEAD_DIM; i++) { // smaller ones drive what is normed in place to denormals
      ones.setFloat(i, 1);
    }
    bench.check(
        (c, y) -> {
          y.segment().copyFrom(queries.rows(0, 5).segment());
          QkNormRope.interleaved(c, y, weight, cos.rows(0, 5), sin.rows(0, 5), 1e-6f);
        },
        1e-6,
        5,
        HEADS,
        HEAD_DIM);
    bench.check(
        (c, y) -> {
          y.segment().copyFrom(text.rows(0, 5).segment());
          Rope.halfSplit(c, y, cos.rows(0, 5), sin.rows(0, 5));
        },
        1e-6,
        5,
        TEXT_HEADS,
        HEAD_DIM);
    bench.check(
        (c, y) -> {
          y.segment().copyFrom(positive.rows(0, 5).segment());
          Guidance.trueCfg(c, y, negative.rows(0, 5), 4f);
        },
        2e-6,
        5,
        LATENT_CHANNELS);
  }

  @Benchmark
  public Tensor modulatedLayerNorm(Rate rate) {
    LayerNorm.modulated(bench.compute(), out, x, shift, scale, 1e-6f);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor queryRmsNorm(Rate rate) {
    Tensor heads = out.view((long) TOKENS * HEADS, HEAD_DIM);
    RmsNorm.forward(bench.compute(), heads, x.view((long) TOKENS * HEADS, HEAD_DIM), weight, 1e-6f);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor vaeNormSilu(Rate rate) {
    Tensor pixels = out.view((long) TOKENS * CHANNELS / 96, 96);
    RmsNorm.l2Silu(bench.compute(), pixels, x.view((long) TOKENS * CHANNELS / 96, 96), gamma);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor interleavedRope(Rate rate) {
    Rope.interleaved(bench.compute(), out.view(TOKENS, HEADS, HEAD_DIM), cos, sin);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor qkNormRope(Rate rate) {
    QkNormRope.interleaved(bench.compute(), queries, ones, cos, sin, 1e-6f);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return queries;
  }

  @Benchmark
  public Tensor halfSplitRope(Rate rate) {
    Rope.halfSplit(bench.compute(), text, cos.rows(0, TEXT_TOKENS), sin.rows(0, TEXT_TOKENS));
    rate.gbyte += 8e-9 * TEXT_TOKENS * TEXT_HEADS * HEAD_DIM;
    return text;
  }

  @Benchmark
  public Tensor softmax(Rate rate) {
    Softmax.forward(bench.compute(), out, x);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor trueCfg(Rate rate) {
    Guidance.trueCfg(bench.compute(), positive, negative, 4f);
    rate.gbyte += 12e-9 * LATENTS * LATENT_CHANNELS;
    return positive;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
