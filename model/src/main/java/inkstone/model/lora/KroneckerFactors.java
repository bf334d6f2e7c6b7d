package inkstone.model.lora;

import inkstone.ops.Compute;
import inkstone.ops.Kronecker;
import inkstone.ops.Linear;
import inkstone.tensor.Tensor;

/**
 * LoKr: {@code ΔW = L ⊗ R}, as two small products: R over each of the parts that L's columns cut a
 * row into, then L over the parts.
 *
 * @param left {@code L [p, q]}, F32
 * @param right {@code R [s, t]}, or its {@code [s, rank]} when {@code rightDown} is there
 * @param rightDown {@code [rank, t]}, or null
 */
record KroneckerFactors(Tensor left, Tensor right, Tensor rightDown, float scale)
    implements Adapter {
  /** Floats between the products that rows may take together. */
  private static final long FLOATS = 1 << 20;

  private long perRow() {
    long low = rightDown == null ? 0 : rightDown.dim(0);
    return left.dim(1) * (right.dim(0) + low);
  }

  private long together() {
    return Math.clamp(FLOATS / perRow(), 1, 256);
  }

  @Override
  public void add(Compute compute, LoraBuffers buffers, Tensor out, Tensor gate, Tensor x) {
    Tensor scaled = buffers.gate(compute, gate, out.dim(1), scale);
    long parts = left.dim(1);
    for (long from = 0; from < x.dim(0); from += together()) {
      long to = Math.min(x.dim(0), from + together());
      long cut = (to - from) * parts;
      Tensor mid = buffers.mid(cut, right.dim(0)); // [rows · q, s]
      Tensor cutRows = x.rows(from, to).view(cut, x.dim(1) / parts); // [rows · q, t]
      if (rightDown == null) {
        Linear.forward(compute, mid, cutRows, right, null);
      } else {
        Tensor low = buffers.midBehind(mid.elements(), cut, rightDown.dim(0)); // [rows · q, rank]
        Linear.forward(compute, low, cutRows, rightDown, null);
        Linear.forward(compute, mid, low, right, null);
      }
      Kronecker.addGated(compute, out.rows(from, to), scaled, left, mid); // [rows, p · s]
    }
  }

  @Override
  public LoraNeeds needs() {
    return new LoraNeeds(0, 0, perRow() * together(), left.dim(0) * right.dim(0));
  }
}
