package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.kernel.Kernels;
import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Products of all pairs of rows, or of columns: the factors of a Hadamard product of two low-rank
 * matrices, {@code (A₁B₁)∘(A₂B₂) = columns(A₁, A₂) · rows(B₁, B₂)}.
 */
public final class KhatriRao {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private KhatriRao() {}

  /**
   * {@code out[i·J + j, k] = a[i, k] · b[j, k]}, each product rounded once.
   *
   * @param out F32 {@code [I·J, K]}
   * @param a {@code [I, K]} of any {@link ElementType}
   * @param b {@code [J, K]} of any {@link ElementType}
   */
  public static void rows(Compute c, Tensor out, Tensor a, Tensor b) {
    String op = "KhatriRao.rows";
    Check.notNull(op, "a", a);
    Check.notNull(op, "b", b);
    Check.rank(op, "a", a, 2);
    Check.rank(op, "b", b, 2);
    int channels = Check.size(op, "columns of a", a.dim(1), a);
    if (b.dim(1) != channels) {
      throw Check.bad(op, "columns of b", channels, b.shape(), b.name(), "pass factors of a layer");
    }
    Check.shape(op, "out", out, a.dim(0) * b.dim(0), channels);
    long left = c.floats(Compute.Slot.FIRST_PARAMETER, op, "a", a);
    long right = c.floats(Compute.Slot.SECOND_PARAMETER, op, "b", b);
    long to = out.address();
    out.segment().fill((byte) 0);
    long rows = b.dim(0);
    long rowBytes = channels * 4L;
    c.forRange(
        a.dim(0) * rows,
        Elementwise.rowGranule(channels),
        (_, first, last) -> {
          for (long row = first; row < last; row++) {
            c.kernels()
                .addGated(
                    to + row * rowBytes,
                    right + row % rows * rowBytes,
                    left + row / rows * rowBytes,
                    1,
                    channels);
          }
        });
  }

  /**
   * {@code out[n, (i - from)·J + j] = a[n, i] · b[n, j]} for i of {@code [from, to)}.
   *
   * @param out F32 {@code [N, (to - from)·J]}
   * @param a {@code [N, I]} of any {@link ElementType}
   * @param b {@code [N, J]} of any {@link ElementType}
   */
  public static void columns(Compute c, Tensor out, Tensor a, int from, int to, Tensor b) {
    String op = "KhatriRao.columns";
    Check.notNull(op, "a", a);
    Check.notNull(op, "b", b);
    Check.rank(op, "a", a, 2);
    Check.rank(op, "b", b, 2);
    if (from < 0 || to < from || to > a.dim(1)) {
      throw Check.bad(
          op, "columns", "a range of " + a.dim(1), from + " to " + to, a.name(), "name columns");
    }
    if (b.dim(0) != a.dim(0)) {
      throw Check.bad(op, "rows of b", a.dim(0), b.shape(), b.name(), "pass factors of a layer");
    }
    int width = Check.size(op, "columns of b", b.dim(1), b);
    Check.shape(op, "out", out, a.dim(0), (long) (to - from) * width);
    MemorySegment left = floats(c, op, a);
    long right = c.floats(Compute.Slot.SECOND_PARAMETER, op, "b", b);
    long target = out.address();
    long columns = a.dim(1);
    long rowBytes = out.dim(1) * 4;
    Kernels kernels = c.kernels();
    c.forRange(
        a.dim(0),
        Elementwise.rowGranule(out.dim(1)),
        (_, first, last) -> {
          for (long n = first; n < last; n++) {
            for (int i = from; i < to; i++) {
              kernels.scale(
                  target + n * rowBytes + (long) (i - from) * width * 4,
                  right + n * width * 4,
                  left.get(FLOAT, (n * columns + i) * 4),
                  width);
            }
          }
        });
  }

  /** The values of {@code t} as floats that Java code can read: its own, or widened. */
  private static MemorySegment floats(Compute c, String op, Tensor t) {
    ElementType type = Check.type(op, "a", t);
    if (type == ElementType.F32) {
      return t.segment();
    }
    MemorySegment wide = c.segment(Compute.Slot.FIRST_PARAMETER, 4 * t.elements());
    c.floats(Compute.Slot.FIRST_PARAMETER, op, "a", t);
    return wide;
  }
}
