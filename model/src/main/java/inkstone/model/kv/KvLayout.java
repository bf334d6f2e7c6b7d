package inkstone.model.kv;

/**
 * Where the keys and values of each layer lie: offset arithmetic, no memory. A layer's segment
 * holds keys, values, then for {@link KvDtype#INT8} the scales of both.
 *
 * @param firstLayer first layer that is kept
 * @param lastLayer last layer that is kept, inclusive
 * @param rows reference tokens R
 * @param heads H
 * @param headDim d
 * @param dtype how elements are stored
 * @param resumes whether the rows go on after {@code lastLayer}: their hidden state behind it is
 *     kept too, as F32 {@code [R, H·d]}
 */
public record KvLayout(
    int firstLayer,
    int lastLayer,
    long rows,
    int heads,
    int headDim,
    KvDtype dtype,
    boolean resumes) {
  public KvLayout {
    if (firstLayer < 0 || lastLayer < firstLayer || rows < 1 || heads < 1 || headDim < 1) {
      throw new IllegalArgumentException(
          "KvLayout: expected layers from 0 up and at least one row, head and channel, got layers "
              + firstLayer
              + " to "
              + lastLayer
              + ", "
              + rows
              + " rows of "
              + heads
              + "x"
              + headDim
              + "; leave the cache out when there is no reference");
    }
  }

  /** Layers that are kept. */
  public int layers() {
    return lastLayer - firstLayer + 1;
  }

  public boolean keeps(int layer) {
    return layer >= firstLayer && layer <= lastLayer;
  }

  /** Elements of the keys, or of the values, of a layer. */
  long elements() {
    return Math.multiplyExact(rows, (long) heads * headDim);
  }

  long valueOffset() {
    return dtype.dtype().bytes(elements());
  }

  long keyScaleOffset() {
    return 2 * valueOffset();
  }

  long valueScaleOffset() {
    return keyScaleOffset() + rows * dtype.scaleBytes(heads);
  }

  /** Bytes of one layer's segment. */
  public long layerBytes() {
    return Math.multiplyExact(2 * rows, dtype.rowBytes(heads, headDim));
  }

  /** Bytes of the hidden rows behind the last layer. */
  public long resumeBytes() {
    return resumes ? Math.multiplyExact(elements(), (long) Float.BYTES) : 0;
  }

  /** All bytes: {@code layers · 2 · R · (H·d·bytes + scales)}, and the hidden rows. */
  public long bytes() {
    return Math.addExact(Math.multiplyExact(layerBytes(), (long) layers()), resumeBytes());
  }

  /** The same rows and layers in another type. */
  public KvLayout with(KvDtype other) {
    return new KvLayout(firstLayer, lastLayer, rows, heads, headDim, other, resumes);
  }

  /** The same with the hidden rows behind the last layer. */
  public KvLayout withResume() {
    return new KvLayout(firstLayer, lastLayer, rows, heads, headDim, dtype, true);
  }
}
