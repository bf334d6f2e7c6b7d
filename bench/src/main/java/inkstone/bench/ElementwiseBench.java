package inkstone.bench;

import inkstone.ops.Activations;
import inkstone.ops.Elementwise;
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

/** Element-wise passes of a transformer block and Euler's step; bound by memory. */
@State(Scope.Benchmark)
@Fork(1)
@Warmup(iterations = 2, time = 1)
@Measurement(iterations = 5, time = 1)
public class ElementwiseBench {
  private static final int TOKENS = 2304;
  private static final int CHANNELS = 3072;
  private static final int LATENTS = 4096;
  private static final int LATENT_CHANNELS = 64;

  @Param({"1", "2"})
  public int threads;

  private Workbench bench;
  private Tensor x;
  private Tensor y;
  private Tensor gate;
  private Tensor out;
  private Tensor sample;
  private Tensor velocity;

  @Setup(Level.Trial)
  public void setUp() {
    bench = new Workbench(threads);
    x = bench.random(TOKENS, CHANNELS);
    y = bench.random(TOKENS, CHANNELS);
    gate = bench.random(CHANNELS);
    out = bench.zeros(TOKENS, CHANNELS);
    bench.check((c, z) -> Activations.geluTanh(c, z, x.rows(0, 5)), 1e-6, 5, CHANNELS);
    bench.check((c, z) -> Activations.gelu(c, z, x.rows(0, 5)), 1e-6, 5, CHANNELS);
    bench.check((c, z) -> Activations.silu(c, z, x.rows(0, 5)), 1e-6, 5, CHANNELS);
    bench.check((c, z) -> Elementwise.add(c, z, x.rows(0, 5), y.rows(0, 5)), 0, 5, CHANNELS);
    sample = bench.random(LATENTS, LATENT_CHANNELS);
    velocity = bench.random(LATENTS, LATENT_CHANNELS);
    bench.check(
        (c, z) -> {
          z.segment().copyFrom(sample.rows(0, 5).segment());
          Elementwise.addScaled(c, z, velocity.rows(0, 5), -0.03f);
        },
        0,
        5,
        LATENT_CHANNELS);
  }

  @Benchmark
  public Tensor geluTanh(Rate rate) {
    Activations.geluTanh(bench.compute(), out, x);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor gelu(Rate rate) {
    Activations.gelu(bench.compute(), out, x);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor swiGlu(Rate rate) {
    Activations.swiGlu(bench.compute(), out, x, y);
    rate.gbyte += 12e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor addGated(Rate rate) {
    Elementwise.addGated(bench.compute(), out, y, gate);
    rate.gbyte += 12e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor silu(Rate rate) {
    Activations.silu(bench.compute(), out, x);
    rate.gbyte += 8e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor add(Rate rate) {
    Elementwise.add(bench.compute(), out, x, y);
    rate.gbyte += 12e-9 * TOKENS * CHANNELS;
    return out;
  }

  @Benchmark
  public Tensor addScaled(Rate rate) {
    Elementwise.addScaled(bench.compute(), sample, velocity, -0.03f);
    rate.gbyte += 12e-9 * LATENTS * LATENT_CHANNELS;
    return sample;
  }

  @TearDown(Level.Trial)
  public void tearDown() {
    bench.close();
  }
}
