package inkstone.kernel;

/**
 * What a thread's register tiles read and write: small arrays on the Java heap, because C2 handles
 * arrays with fewer nodes than segments. They are made once a thread and never cleared.
 */
final class VectorBuffers {
  private static final ThreadLocal<VectorBuffers> LOCAL =
      ThreadLocal.withInitial(VectorBuffers::new);

  /** Sums of one register tile. */
  final float[] sums = new float[VectorTile.SUMS];

  /** Sums of one further block of k. */
  final float[] more = new float[VectorTile.SUMS];

  /** Columns of weights on their way into a panel, and what one vector may read beyond them. */
  final float[] columns = new float[VectorPack.BUFFER + VectorShapes.LANES];

  private float[] rows = new float[0];
  private float[] values = new float[0];

  private VectorBuffers() {}

  /** This thread's buffers. */
  static VectorBuffers local() {
    return LOCAL.get();
  }

  /** Room for {@code count} interleaved numbers. */
  float[] rows(int count) {
    if (rows.length < count) {
      rows = new float[count];
    }
    return rows;
  }

  /** Room for {@code count} more, beside {@link #rows}. */
  float[] values(int count) {
    if (values.length < count) {
      values = new float[count];
    }
    return values;
  }
}
