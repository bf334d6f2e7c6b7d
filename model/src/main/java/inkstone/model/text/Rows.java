package inkstone.model.text;

import inkstone.tensor.Tensor;

/** Copies of rows. */
final class Rows {
  private Rows() {}

  /**
   * out[i] = table[index[i]], widened to F32.
   *
   * @param out [S, C], F32
   * @param table [N, C] of any weight type
   */
  static void gather(Tensor out, Tensor table, int[] index) {
    long channels = table.dim(-1);
    for (int i = 0; i < index.length; i++) {
      copy(out.rows(i, i + 1), table.rows(index[i], index[i] + 1L), channels);
    }
  }

  private static void copy(Tensor out, Tensor row, long channels) {
    switch (row.dtype()) {
      case F32 -> out.copyFrom(row);
      default -> {
        for (long i = 0; i < channels; i++) {
          out.setFloat(i, row.getFloat(i));
        }
      }
    }
  }
}
