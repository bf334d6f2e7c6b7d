package inkstone.model.bench;

import inkstone.memory.TensorArena;
import inkstone.ops.Attention;
import inkstone.ops.AttentionMask;
import inkstone.ops.Compute;
import inkstone.tensor.Tensor;

/** Attention without a mask: every token sees every token. */
final class AttentionWorkload implements Workload {
  private static final int SAMPLE_QUERIES = 2;

  private final TensorArena arena = TensorArena.open("bench attention");
  private final Compute compute;
  private final float scale;
  private final Tensor q;
  private final Tensor k;
  private final Tensor v;
  private final Tensor out;

  AttentionWorkload(Compute compute, int tokens, int heads, int headDim) {
    this.compute = compute;
    scale = (float) (1 / Math.sqrt(headDim));
    q = RandomValues.fill(Tensor.f32(arena, "q", tokens, heads, headDim), 1.7, 1);
    k = RandomValues.fill(Tensor.f32(arena, "k", tokens, heads, headDim), 1.7, 2);
    v = RandomValues.fill(Tensor.f32(arena, "v", tokens, heads, headDim), 1.7, 3);
    out = Tensor.f32(arena, "out", tokens, heads, headDim);
  }

  @Override
  public double run() {
    return Workload.seconds(
        () -> Attention.forward(compute, out, q, k, v, AttentionMask.NONE, scale));
  }

  @Override
  public void check() {
    long tokens = q.dim(0);
    sample(0, Math.min(tokens, SAMPLE_QUERIES));
    sample(Math.max(0, tokens - SAMPLE_QUERIES), tokens);
  }

  private void sample(long from, long to) {
    try (TensorArena own = arena.child("sample");
        Compute scalar = Compute.scalar()) {
      Tensor expected = Tensor.f32(own, "expected", to - from, q.dim(1), q.dim(2));
      Attention.forward(scalar, expected, q.rows(from, to), k, v, AttentionMask.NONE, scale);
      Results.requireClose("attention", expected, out.rows(from, to), 2e-5);
    }
  }

  @Override
  public double flop() {
    return 4.0 * q.dim(0) * q.elements();
  }

  @Override
  public double bytes() {
    return 4.0 * q.segment().byteSize();
  }

  @Override
  public void close() {
    arena.close();
  }
}
