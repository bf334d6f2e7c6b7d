package inkstone.ops;

import inkstone.kernel.AttentionArgs;
import inkstone.kernel.AttentionBlock;
import inkstone.kernel.Kernels;
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
   * @param k {@code [Sk, Hkv, D]}, H a multiple of Hkv: query head h uses key head h / (H / Hkv)
   * @param v as k
   * @param scale factor of the scores, usually 1 / sqrt(D)
   */
  public static void forward(
      Compute c, Tensor out, Tensor q, Tensor k, Tensor v, AttentionMask mask, float scale) {
    Check.f32(OP, "q", q);
    Check.f32(OP, "k", k);
    Check.rank(OP, "q", q, 3);
    Check.rank(OP, "k", k, 3);
    Check.sameShape(OP, "out", out, "q", q);
    Check.sameShape(OP, "v", v, "k", k);
    int heads = Check.size(OP, "heads of q", q.dim(1), q);
    int kvHeads = Check.size(OP, "heads of k", k.dim(1), k);
    int headDim = Check.size(OP, "head size of q", q.dim(2), q);
    if (k.dim(2) != headDim) {
      throw Check.bad(
          OP, "head size of k", headDim + " as q", k.shape(), k.name(), "check the projections");
    }
    if (heads % kvHeads != 0) {
      throw Check.bad(
          OP, "heads of k", "a divisor of " + heads, kvHeads, k.name(), "check the config");
    }
    if (q.dim(0) == 0) {
      return;
    }
    Check.disjoint(OP, out, q);
    Check.disjoint(OP, out, k);
    Check.disjoint(OP, out, v);
    AttentionArgs args =
        new AttentionArgs(
            out.address(),
            q.address(),
            k.address(),
            v.address(),
            keyBias(c, mask, k),
            heads,
            kvHeads,
            headDim,
            scale);
    long shift = AttentionBlock.SEES_ALL;
    if (mask instanceof AttentionMask.Causal) {
      shift = k.dim(0) - q.dim(0);
      if (shift < 0) {
        throw Check.bad(
            OP,
            "queries of a causal call",
            "at most " + k.dim(0) + ", one a key",
            q.dim(0),
            q.name(),
            "pass the keys of all queries");
      }
    }
    run(c, args, blocks(c, windows(mask, q, k), heads), shift);
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
    List<Window> blocks = new ArrayList<>();
    for (Window w : windows) {
      long rows = w.queryTo - w.queryFrom;
      long parts = Math.max(1, (4L * c.threads() + heads - 1) / heads / windows.size());
      long size = Math.clamp((rows + parts - 1) / parts, MIN_ROWS, most);
      for (long from = w.queryFrom; from < w.queryTo; from += size) {
        blocks.add(new Window(from, Math.min(w.queryTo, from + size), w.keyFrom, w.keyTo));
      }
    }
    return blocks;
  }

  /** Fewer rows than this don't pay for packing a key tile. */
  private static final int MIN_ROWS = 24;

  private static List<Window> windows(AttentionMask mask, Tensor q, Tensor k) {
    if (!(mask instanceof AttentionMask.Windows w)) {
      return List.of(new Window(0, q.dim(0), 0, k.dim(0)));
    }
    int[] cu = w.cuSeqlens();
    if (q.dim(0) != k.dim(0)) {
      throw Check.bad(
          OP,
          "keys of a windowed call",
          q.dim(0) + " as q",
          k.dim(0),
          k.name(),
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

  private static long keyBias(Compute c, AttentionMask mask, Tensor k) {
    if (mask == null) {
      throw new IllegalArgumentException(
          OP + ": mask, expected one, got null; pass AttentionMask.NONE");
    }
    if (!(mask instanceof AttentionMask.Keys keys)) {
      return 0;
    }
    boolean[] visible = keys.visible();
    if (visible.length != k.dim(0)) {
      throw Check.bad(
          OP, "length of the key mask", k.dim(0), visible.length, k.name(), "one flag a key");
    }
    var bias = c.segment(Compute.Slot.FIRST_PARAMETER, 4L * visible.length);
    for (int i = 0; i < visible.length; i++) {
      bias.setAtIndex(ValueLayout.JAVA_FLOAT, i, visible[i] ? 0f : Float.NEGATIVE_INFINITY);
    }
    return bias.address();
  }
}
