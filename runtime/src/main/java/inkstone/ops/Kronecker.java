package inkstone.ops;

import inkstone.kernel.Kernels;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * The second half of a product with a Kronecker product of two matrices, {@code L[P, Q] ⊗ R[S, T]}:
 * the first is {@code mid = x · Rᵀ} over x seen as {@code [rows·Q, T]}.
 */
public final class Kronecker {
  private static final String OP = "Kronecker";
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Kronecker() {}

  /**
   * {@code out[r, p·S + s] += gate[p·S + s] · Σ_q left[p, q] · mid[r·Q + q, s]}, q ascending. A
   * row's bits don't depend on the other rows or on the thread count.
   *
   * @param out F32 {@code [rows, P·S]}
   * @param gate F32 {@code [P·S]}
   * @param left F32 {@code [P, Q]}
   * @param mid F32 {@code [rows·Q, S]}
   */
  public static void addGated(Compute c, Tensor out, Tensor gate, Tensor left, Tensor mid) {
    Check.f32(OP, "left", left);
    Check.f32(OP, "mid", mid);
    Check.f32(OP, "gate", gate);
    Check.rank(OP, "left", left, 2);
    Check.rank(OP, "mid", mid, 2);
    int p = Check.size(OP, "rows of left", left.dim(0), left);
    int q = Check.size(OP, "columns of left", left.dim(1), left);
    int s = Check.size(OP, "columns of mid", mid.dim(1), mid);
    if (mid.dim(0) % q != 0) {
      throw Check.bad(
          OP, "rows of mid", "a multiple of " + q, mid.shape(), mid.name(), "check the layer");
    }
    long rows = mid.dim(0) / q;
    Check.shape(OP, "out", out, rows, (long) p * s);
    int channels = Check.size(OP, "columns of out", out.dim(1), out);
    Check.vector(OP, "gate", gate, channels);
    if (rows == 0) {
      return;
    }
    Check.disjoint(OP, out, mid);
    Kernels kernels = c.kernels();
    MemorySegment factors = left.segment();
    long to = out.address();
    long from = mid.address();
    long gates = gate.address();
    c.reserveWorkers(channels * 4L);
    c.forRange(
        rows,
        Elementwise.rowGranule(channels),
        (worker, first, last) -> {
          long sum = c.workerScratch(worker);
          for (long row = first; row < last; row++) {
            for (int i = 0; i < p; i++) {
              mix(kernels, sum + (long) i * s * 4, factors, i, from + row * q * s * 4, q, s);
            }
            kernels.addGated(to + row * channels * 4, sum, gates, 1, channels);
          }
        });
  }

  /** {@code sum[s] = Σ_q left[i, q] · mid[q, s]}. */
  private static void mix(
      Kernels kernels, long sum, MemorySegment left, int i, long mid, int q, int s) {
    for (int j = 0; j < q; j++) {
      float factor = left.get(FLOAT, ((long) i * q + j) * 4);
      if (j == 0) {
        kernels.scale(sum, mid, factor, s);
      } else {
        kernels.addScaled(sum, mid + (long) j * s * 4, factor, s);
      }
    }
  }
}
