package inkstone.ops;

import inkstone.kernel.AttentionArgs;
import inkstone.kernel.AttentionBlock;
import inkstone.kernel.Kernels;
import inkstone.memory.Alignment;
import inkstone.tensor.Tensor;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/** Scaled dot-product attention, fused, with grouped-query heads. */
public final class Attention {
  private static final String OP = "Attention";

  /** Query and key ranges that see each other. */
  private record Window(long queryFrom, long queryTo, long keyFrom, long keyTo) {}

  private Attention() {}

  /**
   * {@code out = softmax(q·kᵀ * scale, masked)·v}, head by head. A query that sees no key gives
   * zeros. A row's bits don't depend on the other queries or on the thread count.
   *
   * @param out {@code [Sq, H, D]}, apart from the inputs
   * @param q {@code [Sq, H, D]}
   * @param k {@code [Sk, Hkv, D]}, H a multiple of Hkv: query head h uses key head h / (H / Hkv);
   *     F32, BF16 or F16
   * @param v as k
   * @param scale factor of the scores, usually 1 / sqrt(D)
   */
  public static void forward(
      Compute c, Tensor out, Tensor q, Tensor k, Tensor v, AttentionMask mask, float scale) {
    forward(c, out, q, List.of(new KeyValue(k, v)), mask, scale);
  }

  /**
   * As {@link #forward(Compute, Tensor, Tensor, Tensor, Tensor, AttentionMask, float)} with the
   * keys and values of all segments one after the other, which need not lie together in memory. The
   * bits don't depend on how the keys are cut into segments, and masks count keys over all of them.
   *
   * @param segments one or more; a segment may have no tokens
   */
  public static void forward(
      Compute c, Tensor out, Tensor q, List<KeyValue> segments, AttentionMask mask, float scale) {
    Check.f32(OP, "q", q);
    Check.rank(OP, "q", q, 3);
    Check.sameShape(OP, "out", out, "q", q);
    int heads = Check.size(OP, "heads of q", q.dim(1), q);
    int headDim = Check.size(OP, "head size of q", q.dim(2), q);
    KeySegments keys = KeySegments.of(out, q, segments);
    if (q.dim(0) == 0) {
      return;
    }
    Check.disjoint(OP, out, q);
    AttentionArgs args =
        new AttentionArgs(
            out.address(),
            q.address(),
            keys.parts(),
            keyBias(c, mask, keys),
            heads,
            keys.kvHeads(),
            headDim,
            scale);
    long shift = AttentionBlock.SEES_ALL;
    if (mask instanceof AttentionMask.Causal) {
      shift = keys.keys() - q.dim(0);
      if (shift < 0) {
        throw Check.bad(
            OP,
            "queries of a causal call",
            "at most " + keys.keys() + ", one a key",
            q.dim(0),
            q.name(),
            "pass the keys of all queries");
      }
    }
    run(c, args, blocks(c, windows(mask, q, keys), heads), shift);
  }

  /** Bytes of scratch that {@link #forward} needs on all threads. */
  public static long scratchBytes(Compute c, int headDim) {
    return c.workersBytes(c.kernels().attentionScratchBytes(headDim));
  }

  private static void run(Compute c, AttentionArgs args, List<Window> blocks, long shift) {
    Kernels kernels = c.kernels();
    c.reserveWorkers(kernels.attentionScratchBytes(args.headDim()));
    int perHead = blocks.size();
    c.forRange(
        (long) perHead * args.heads(),
        1,
        (worker, from, to) -> {
          for (long item = from; item < to; item++) {
            Window w = blocks.get((int) (item % perHead));
            int head = (int) (item / perHead);
            kernels.attention(
                args,
                new AttentionBlock(head, w.queryFrom, w.queryTo, w.keyFrom, w.keyTo, shift),
                c.workerScratch(worker));
          }
        });
  }

  /** Cuts windows into blocks: large for reuse of a key tile, small enough to feed all threads. */
  private static List<Window> blocks(Compute c, List<Window> windows, int heads) {
    int most = c.kernels().attentionRows();
    int granule = Math.min(MIN_ROWS, most);
    List<Window> blocks = new ArrayList<>();
    for (Window w : windows) {
      long rows = w.queryTo - w.queryFrom;
      long parts = Math.max(1, (4L * c.threads() + heads - 1) / heads / windows.size());
      long share = Alignment.up((rows + parts - 1) / parts, granule);
      long size = Math.clamp(share, granule, most);
      for (long from = w.queryFrom; from < w.queryTo; from += size) {
        blocks.add(new Window(from, Math.min(w.queryTo, from + size), w.keyFrom, w.keyTo));
      }
    }
    return blocks;
  }

  /** Fewer rows than this don't pay for packing a key tile. */
  private static final int MIN_ROWS = 32;

  private static List<Window> windows(AttentionMask mask, Tensor q, KeySegments keys) {
    if (!(mask instanceof AttentionMask.Windows w)) {
      return List.of(new Window(0, q.dim(0), 0, keys.keys()));
    }
    int[] cu = w.cuSeqlens();
    if (q.dim(0) != keys.keys()) {
      throw Check.bad(
          OP,
          "keys of a windowed call",
          q.dim(0) + " as q",
          keys.keys(),
          keys.name(),
          "windows are for self attention");
    }
    boolean rising = cu.length > 1 && cu[0] == 0 && cu[cu.length - 1] == q.dim(0);
    List<Window> windows = new ArrayList<>();
    for (int i = 1; rising && i < cu.length; i++) {
      rising = cu[i] >= cu[i - 1];
      if (cu[i] > cu[i - 1]) {
        windows.add(new Window(cu[i - 1], cu[i], cu[i - 1], cu[i]));
      }
    }
    if (!rising) {
      throw Check.bad(
          OP,
          "window borders",
          "rising from 0 to " + q.dim(0),
          Arrays.toString(cu),
          q.name(),
          "check the window index");
    }
    return windows;
  }

  private static long keyBias(Compute c, AttentionMask mask, KeySegments segments) {
    if (mask == null) {
      throw new IllegalArgumentException(
          OP + ": mask, expected one, got null; pass AttentionMask.NONE");
    }
    if (!(mask instanceof AttentionMask.Keys keys)) {
      return 0;
    }
    boolean[] visible = keys.visible();
    if (visible.length != segments.keys()) {
      throw Check.bad(
          OP,
          "length of the key mask",
          segments.keys(),
          visible.length,
          segments.name(),
          "one flag a key");
    }
    var bias = c.segment(Compute.Slot.FIRST_PARAMETER, 4L * visible.length);
    for (int i = 0; i < visible.length; i++) {
      bias.setAtIndex(ValueLayout.JAVA_FLOAT, i, visible[i] ? 0f : Float.NEGATIVE_INFINITY);
    }
    return bias.address();
  }
}
