package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.kernel.KeySegment;
import inkstone.tensor.Tensor;
import java.util.ArrayList;
import java.util.List;

/**
 * Checked keys and values of an attention call.
 *
 * @param parts those that have tokens
 * @param keys tokens of all
 * @param name of the first, for messages
 */
record KeySegments(List<KeySegment> parts, long keys, int kvHeads, String name) {
  private static final String OP = "Attention";

  static KeySegments of(Tensor out, Tensor q, List<KeyValue> keyValues) {
    if (keyValues.isEmpty()) {
      throw Check.bad(OP, "segments", "1 or more", 0, q.name(), "pass keys and values");
    }
    int kvHeads = 0;
    List<KeySegment> parts = new ArrayList<>();
    long from = 0;
    for (int i = 0; i < keyValues.size(); i++) {
      Tensor k = keyValues.get(i).k();
      Tensor v = keyValues.get(i).v();
      String which = keyValues.size() == 1 ? "" : " of segment " + i;
      ElementType kType = type("k" + which, k);
      ElementType vType = type("v" + which, v);
      Check.rank(OP, "k" + which, k, 3);
      if (!v.shape().equals(k.shape())) {
        throw Check.bad(
            OP,
            "shape of v" + which,
            k.shape() + " as k",
            v.shape(),
            v.name(),
            "check the projections");
      }
      int heads = kvHeads(q, k, which);
      if (i > 0 && heads != kvHeads) {
        throw Check.bad(
            OP,
            "heads of k" + which,
            kvHeads + " as segment 0",
            k.shape(),
            k.name(),
            "pass segments of one layer");
      }
      kvHeads = heads;
      if (k.dim(0) > 0) {
        Check.disjoint(OP, out, k);
        Check.disjoint(OP, out, v);
        long to = from + k.dim(0);
        parts.add(new KeySegment(k.address(), kType, v.address(), vType, from, to));
        from = to;
      }
    }
    return new KeySegments(List.copyOf(parts), from, kvHeads, keyValues.getFirst().k().name());
  }

  private static int kvHeads(Tensor q, Tensor k, String which) {
    int heads = Check.size(OP, "heads of k" + which, k.dim(1), k);
    if (k.dim(2) != q.dim(2)) {
      throw Check.bad(
          OP,
          "head size of k" + which,
          q.dim(2) + " as q",
          k.shape(),
          k.name(),
          "check the projections");
    }
    if (q.dim(1) % heads != 0) {
      throw Check.bad(
          OP,
          "heads of k" + which,
          "a divisor of " + q.dim(1),
          heads,
          k.name(),
          "check the config");
    }
    return heads;
  }

  private static ElementType type(String role, Tensor t) {
    Check.notNull(OP, role, t);
    Check.unscaled(OP, role, t);
    return switch (t.dtype()) {
      case F32 -> ElementType.F32;
      case BF16 -> ElementType.BF16;
      case F16 -> ElementType.F16;
      default ->
          throw Check.bad(
              OP, "dtype of " + role, "F32, BF16 or F16", t.dtype(), t.name(), "store it as such");
    };
  }
}
