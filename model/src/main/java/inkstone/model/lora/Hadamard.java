package inkstone.model.lora;

import inkstone.ops.Compute;
import inkstone.ops.KhatriRao;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/**
 * LoHa: {@code ΔW = (A₁·B₁) ∘ (A₂·B₂)}, which has rank r₁·r₂ and factors that are products of pairs
 * of columns of A and of rows of B. They are made a few at a time and thrown away: kept, they would
 * take r times the file's bytes.
 *
 * @param a1 {@code [out, r₁]}
 * @param b1 {@code [r₁, in]}
 * @param a2 {@code [out, r₂]}
 * @param b2 {@code [r₂, in]}
 */
record Hadamard(Tensor a1, Tensor b1, Tensor a2, Tensor b2, float scale) implements Adapter {
  /** Ranks of one product: enough columns for the kernels to work at their speed. */
  private static final int RANKS = 64;

  private int together() {
    return (int) Math.clamp(RANKS / b2.dim(0), 1, b1.dim(0));
  }

  @Override
  public void add(Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x) {
    Tensor scaled = buffers.gate(compute, gate, a1.dim(0), scale);
    int ranks = Math.toIntExact(b1.dim(0));
    for (int from = 0; from < ranks; from += together()) {
      int to = Math.min(ranks, from + together());
      long width = (to - from) * b2.dim(0);
      Tensor down = buffers.chunkDown(width, b2.dim(1)); // [width, in]
      KhatriRao.rows(compute, down, b1.rows(from, to), b2);
      Tensor low = buffers.low(x.dim(0), width); // [rows, width]
      Linear.forward(compute, low, x, down, null);
      Tensor up = buffers.chunkUp(a2.dim(0), width); // [out, width]
      KhatriRao.columns(compute, up, a1, from, to, a2);
      Linear.addGated(compute, out, scaled, low, up, null); // [rows, out]
    }
  }

  @Override
  public LoraNeeds needs() {
    long width = together() * b2.dim(0);
    return new LoraNeeds(width, width * Math.max(a1.dim(0), b1.dim(1)), 0, a1.dim(0));
  }
}
