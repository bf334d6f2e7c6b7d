package inkstone.ops;

import inkstone.tensor.Tensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/** Copies of chosen rows, a row being everything at one index of the first dimension. */
public final class Rows {
  private Rows() {}

  /**
   * {@code out[rows[i]] = x[i]}; the other rows of {@code out} stay as they are.
   *
   * @param out {@code [R, ..]} of any dtype and scale
   * @param rows r of 0 to R - 1, each above the one before it
   * @param x {@code [r, ..]} of the same dtype and scale
   */
  public static void scatter(Compute c, Tensor out, int[] rows, Tensor x) {
    String op = "Rows.scatter";
    check(op, "out", out, rows, "x", x);
    for (int i = 1; i < rows.length; i++) {
      if (rows[i] <= rows[i - 1]) { // two threads could write the same row
        throw Check.bad(
            op,
            "rows[" + i + "]",
            "more than " + rows[i - 1] + ", the one before it",
            rows[i],
            out.name(),
            "sort the rows and name each once");
      }
    }
    Check.disjoint(op, out, x);
    copy(c, out, x, rows, true);
  }

  /**
   * {@code out[i] = x[rows[i]]}.
   *
   * @param out {@code [r, ..]} of the dtype and scale of {@code x}
   * @param x {@code [R, ..]} of any dtype and scale
   * @param rows r of 0 to R - 1, in any order
   */
  public static void gather(Compute c, Tensor out, Tensor x, int[] rows) {
    String op = "Rows.gather";
    check(op, "x", x, rows, "out", out);
    Check.disjoint(op, out, x);
    copy(c, out, x, rows, false);
  }

  private static void copy(Compute c, Tensor out, Tensor x, int[] rows, boolean scatter) {
    if (rows.length == 0) {
      return;
    }
    long bytes = (scatter ? x : out).segment().byteSize() / rows.length;
    MemorySegment to = out.segment();
    MemorySegment from = x.segment();
    c.forRange(
        rows.length,
        Elementwise.rowGranule(Math.max(1, bytes)),
        (_, first, last) -> {
          for (int i = (int) first; i < last; i++) {
            long toRow = scatter ? rows[i] : i;
            long fromRow = scatter ? i : rows[i];
            MemorySegment.copy(from, fromRow * bytes, to, toRow * bytes, bytes);
          }
        });
  }

  /** {@code few} has as many rows as {@code rows}, which all lie in {@code all}. */
  private static void check(
      String op, String allRole, Tensor all, int[] rows, String fewRole, Tensor few) {
    Check.notNull(op, allRole, all);
    Check.notNull(op, fewRole, few);
    Check.atLeastRank(op, allRole, all, 1);
    long[] dims = all.shape().toArray();
    dims[0] = rows.length;
    if (few.dtype() != all.dtype() || !Arrays.equals(few.shape().toArray(), dims)) {
      throw Check.bad(
          op,
          "dtype and shape of " + fewRole,
          all.dtype() + Arrays.toString(dims),
          few.dtype() + few.shape().toString(),
          few.name(),
          "pass a row for each index");
    }
    if (few.scale() != all.scale()) {
      throw Check.bad(
          op,
          "scale of " + fewRole,
          all.scale() + " as " + allRole,
          few.scale(),
          few.name(),
          "copy between tensors of one scale");
    }
    for (int i = 0; i < rows.length; i++) {
      if (rows[i] < 0 || rows[i] >= all.dim(0)) {
        throw Check.bad(
            op,
            "rows[" + i + "]",
            "0 to " + (all.dim(0) - 1),
            rows[i],
            all.name(),
            "name rows of " + allRole);
      }
    }
  }
}
