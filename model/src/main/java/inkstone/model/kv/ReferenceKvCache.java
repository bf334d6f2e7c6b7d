package inkstone.model.kv;

import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.ops.KeyValue;
import inkstone.ops.RowDifference;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Keys and values of the reference rows of each block, after norm and RoPE, as a pass computed
 * them. One request and one branch of guidance own it; it lies in an arena of its own and is freed
 * with it. R rows of H heads of d channels, in the order of the references.
 *
 * <p>It is filled by a full pass, layer by layer, and read by later passes. A pass that is cut
 * short leaves it not {@link #filled}: what it holds is then of two steps and no pass reads it.
 *
 * <p>Not safe for several threads at once.
 */
public final class ReferenceKvCache implements AutoCloseable {
  private final Compute compute;
  private final TensorArena arena;
  private final KvLayout layout;
  private final List<KvSlot> slots = new ArrayList<>();
  private final Tensor resume; // [R, H·d], or null
  private KvKey key;
  private boolean filled;
  private boolean writing;
  private boolean refreshing; // the pass that writes may read what it does not replace
  private boolean measuring; // whether what is replaced is of a whole pass
  private SliceDrift drift = SliceDrift.NONE;
  private long rowsRead;
  private long bytesRead;

  private ReferenceKvCache(Compute compute, TensorArena arena, KvLayout layout) {
    this.compute = compute;
    this.arena = arena;
    this.layout = layout;
    for (int layer = layout.firstLayer(); layer <= layout.lastLayer(); layer++) {
      slots.add(new KvSlot(arena, layout, layer));
    }
    resume =
        layout.resumes()
            ? Tensor.f32(
                arena, "kv.resume", layout.rows(), (long) layout.heads() * layout.headDim())
            : null;
  }

  /**
   * An empty cache that takes {@link KvLayout#bytes} from a child of {@code parent}.
   *
   * @throws IllegalStateException when the memory is not there; nothing stays allocated
   */
  public static ReferenceKvCache open(Compute compute, TensorArena parent, KvLayout layout) {
    TensorArena arena = parent.child("kv");
    try {
      return new ReferenceKvCache(compute, arena, layout);
    } catch (RuntimeException | Error e) {
      arena.close();
      throw e;
    }
  }

  public KvLayout layout() {
    return layout;
  }

  /** Bytes in use. */
  public long bytes() {
    return arena.allocatedBytes();
  }

  /**
   * Asks whether what is kept, or will be, is for {@code wanted}. When it is not, it is forgotten
   * and the cache is for {@code wanted} from now on.
   *
   * @return the names of the components that differed; empty on a hit and for the first key
   */
  public List<String> admit(KvKey wanted) {
    List<String> different = key == null ? List.of() : key.differences(wanted);
    if (key == null || !different.isEmpty()) {
      filled = false;
      key = wanted;
    }
    return different;
  }

  /** Whether every layer holds rows of whole passes. */
  public boolean filled() {
    return filled;
  }

  /**
   * Begins a pass that writes all rows of every layer that is kept. Until {@link #endWrite} nothing
   * is kept and nothing can be read.
   */
  public void beginWrite() {
    writing = true;
    refreshing = false;
    measuring = filled;
    filled = false;
    drift = SliceDrift.NONE;
  }

  /**
   * Begins a pass that writes some rows of every layer and reads all of them. Until {@link
   * #endWrite} nothing is kept.
   *
   * @throws IllegalStateException when there are no rows of a whole pass beside those
   */
  public void beginRefresh() {
    if (!filled) {
      throw new IllegalStateException(
          "ReferenceKvCache.beginRefresh: expected rows of a whole pass, got none; run a full pass"
              + " first");
    }
    beginWrite();
    refreshing = true;
  }

  /** The pass that began went through. */
  public void endWrite() {
    if (!writing) {
      throw new IllegalStateException(
          "ReferenceKvCache.endWrite: no pass has begun; call beginWrite first");
    }
    abandonWrite();
    filled = true;
  }

  /** The pass that began, if any, was cut short: what it wrote is of two passes. */
  public void abandonWrite() {
    writing = false;
    refreshing = false;
  }

  /**
   * Keeps all rows of a layer.
   *
   * @param freshKey F32 {@code [R, H, d]}
   * @param freshValue F32 {@code [R, H, d]}
   * @param old scratch of the same size, for what is replaced
   */
  public void put(int layer, Tensor freshKey, Tensor freshValue, Tensor old) {
    KvSlot slot = slot(layer, "put");
    requireWriting(layer);
    requireRows(layer, freshKey, layout.rows());
    if (measuring) {
      slot.widenKey(compute, old);
      measure(freshKey, old);
      slot.widenValue(compute, old);
      measure(freshValue, old);
    }
    slot.put(compute, freshKey, freshValue);
  }

  /**
   * Keeps some rows of a layer: row i of the fresh ones in place of row {@code rows[i]}.
   *
   * @param rows ascending
   * @param freshKey F32 {@code [r, H, d]}
   * @param freshValue F32 {@code [r, H, d]}
   * @param old scratch of the same size, for what is replaced
   * @param scratch as {@code old}, with room for one more number a head
   */
  public void put(
      int layer, int[] rows, Tensor freshKey, Tensor freshValue, Tensor old, Tensor scratch) {
    KvSlot slot = slot(layer, "put");
    requireWriting(layer);
    requireRows(layer, freshKey, rows.length);
    if (measuring) {
      slot.widenKey(compute, rows, old, scratch);
      measure(freshKey, old);
      slot.widenValue(compute, rows, old, scratch);
      measure(freshValue, old);
    }
    slot.put(compute, rows, freshKey, freshValue, scratch);
  }

  private void measure(Tensor fresh, Tensor old) {
    RowDifference squares = RowDifference.squares(compute, old, fresh);
    drift = drift.plus(squares.differenceSquares(), squares.referenceSquares());
  }

  /** What the last pass that wrote has replaced by something else. */
  public SliceDrift drift() {
    return drift;
  }

  /**
   * Keys and values of a layer for attention: the kept memory itself, or F32 copies in the scratch
   * when attention doesn't read the stored type.
   *
   * @param keyScratch F32 {@code [R, H, d]}
   * @param valueScratch F32 {@code [R, H, d]}
   */
  public KeyValue keyValue(int layer, Tensor keyScratch, Tensor valueScratch) {
    KvSlot slot = slot(layer, "keyValue");
    if (!filled && !refreshing) {
      throw new IllegalStateException(
          "ReferenceKvCache.keyValue: layer "
              + layer
              + ", expected rows of a whole pass, got none; run a full pass first");
    }
    rowsRead += layout.rows();
    bytesRead += layout.layerBytes();
    return slot.keyValue(compute, keyScratch, valueScratch);
  }

  /** Kept keys of a layer as F32 {@code [R, H, d]}, for those who compare. */
  public void copyKey(int layer, Tensor out) {
    slot(layer, "copyKey").widenKey(compute, out);
  }

  /** Kept values of a layer as F32 {@code [R, H, d]}, for those who compare. */
  public void copyValue(int layer, Tensor out) {
    slot(layer, "copyValue").widenValue(compute, out);
  }

  /** Keeps the hidden rows F32 {@code [R, H·d]} behind the last layer. */
  public void putResume(Tensor hidden) {
    requireResume().copyFrom(hidden);
  }

  /** Copies the kept hidden rows to F32 {@code [R, H·d]}. */
  public void copyResume(Tensor hidden) {
    hidden.copyFrom(requireResume());
  }

  private Tensor requireResume() {
    if (resume == null) {
      throw new IllegalStateException(
          "ReferenceKvCache: hidden rows, expected a layout that resumes, got "
              + layout
              + "; lay it out with resumes");
    }
    return resume;
  }

  /** Rows of keys and values that passes have read so far, summed over layers. */
  public long rowsRead() {
    return rowsRead;
  }

  /** Bytes that passes have read so far. */
  public long bytesRead() {
    return bytesRead;
  }

  private KvSlot slot(int layer, String what) {
    if (!layout.keeps(layer)) {
      throw new IllegalArgumentException(
          "ReferenceKvCache."
              + what
              + ": layer, expected "
              + layout.firstLayer()
              + " to "
              + layout.lastLayer()
              + ", got "
              + layer
              + "; other layers compute their own");
    }
    KvSlot slot = slots.get(layer - layout.firstLayer());
    if (slot.layer() != layer) {
      throw new IllegalStateException(
          "ReferenceKvCache: slot of layer " + layer + " holds layer " + slot.layer());
    }
    return slot;
  }

  private void requireWriting(int layer) {
    if (!writing) {
      throw new IllegalStateException(
          "ReferenceKvCache.put: layer " + layer + " outside a pass; call beginWrite first");
    }
  }

  private void requireRows(int layer, Tensor fresh, long rows) {
    long[] expected = {rows, layout.heads(), layout.headDim()};
    if (!Arrays.equals(fresh.shape().toArray(), expected)) {
      throw new IllegalArgumentException(
          "ReferenceKvCache.put: layer "
              + layer
              + ", expected "
              + Arrays.toString(expected)
              + ", got "
              + fresh.shape()
              + " ("
              + fresh.name()
              + "); give the reference rows and no others");
    }
  }

  @Override
  public void close() {
    filled = false;
    arena.close();
  }
}
