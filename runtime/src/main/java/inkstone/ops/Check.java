package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

/** Entry checks of the ops: messages name the op, what was expected, what came and from where. */
final class Check {
  /** What the kernels read, by the name that both sides give it. */
  private static final Map<DType, ElementType> TYPES = new EnumMap<>(DType.class);

  static {
    for (ElementType type : ElementType.values()) {
      TYPES.put(DType.valueOf(type.name()), type);
    }
  }

  private Check() {}

  static IllegalArgumentException bad(
      String op, String what, Object expected, Object got, String path, String remedy) {
    return new IllegalArgumentException(
        op
            + ": "
            + what
            + ", expected "
            + expected
            + ", got "
            + got
            + " ("
            + path
            + "); "
            + remedy);
  }

  /** An activation: F32, and without a scale. */
  static void f32(String op, String role, Tensor t) {
    notNull(op, role, t);
    if (t.dtype() != DType.F32) {
      throw bad(op, "dtype of " + role, "F32", t.dtype(), t.name(), "widen it first");
    }
    unscaled(op, role, t);
  }

  /** What an op reads or writes as it is stored. */
  static void unscaled(String op, String role, Tensor t) {
    if (t.scale() != 1) {
      throw bad(op, "scale of " + role, 1, t.scale(), t.name(), "widen it first");
    }
  }

  static void notNull(String op, String role, Tensor t) {
    if (t == null) {
      throw new IllegalArgumentException(
          op + ": " + role + ", expected a tensor, got null; pass one");
    }
  }

  static void rank(String op, String role, Tensor t, int rank) {
    if (t.rank() != rank) {
      throw bad(op, "rank of " + role, rank, t.rank() + " " + t.shape(), t.name(), "reshape it");
    }
  }

  static void atLeastRank(String op, String role, Tensor t, int rank) {
    if (t.rank() < rank) {
      throw bad(
          op,
          "rank of " + role,
          rank + " or more",
          t.rank() + " " + t.shape(),
          t.name(),
          "reshape it");
    }
  }

  /** An F32 tensor of exactly this shape. */
  static void shape(String op, String role, Tensor t, long... dims) {
    f32(op, role, t);
    boolean same = t.rank() == dims.length;
    for (int i = 0; same && i < dims.length; i++) {
      same = t.dim(i) == dims[i];
    }
    if (!same) {
      throw bad(
          op,
          "shape of " + role,
          Arrays.toString(dims),
          t.shape(),
          t.name(),
          "check the layer's sizes");
    }
  }

  static void sameShape(String op, String role, Tensor t, String otherRole, Tensor other) {
    f32(op, role, t);
    sameDims(op, role, t, otherRole, other);
  }

  /** As {@link #sameShape}, of any dtype. */
  static void sameDims(String op, String role, Tensor t, String otherRole, Tensor other) {
    notNull(op, role, t);
    if (!t.shape().equals(other.shape())) {
      throw bad(
          op,
          "shape of " + role,
          other.shape() + " as " + otherRole,
          t.shape(),
          t.name(),
          "check the layer's sizes");
    }
  }

  /** A parameter vector of {@code n} elements in a storage type that kernels read. */
  static void vector(String op, String role, Tensor t, long n) {
    type(op, role, t);
    if (t.elements() != n) {
      throw bad(
          op,
          "element count of " + role,
          n,
          t.elements() + " " + t.shape(),
          t.name(),
          "check the layer's sizes");
    }
  }

  /** Storage type of a weight; whoever asks also applies {@link Tensor#scale}. */
  static ElementType type(String op, String role, Tensor t) {
    notNull(op, role, t);
    ElementType type = TYPES.get(t.dtype());
    if (type == null) {
      throw bad(
          op,
          "dtype of " + role,
          "one of " + Arrays.toString(ElementType.values()),
          t.dtype(),
          t.name(),
          "convert the file");
    }
    return type;
  }

  /** A size that kernels hold in an {@code int}. */
  static int size(String op, String what, long value, Tensor t) {
    if (value < 1 || value > 1 << 28) {
      throw bad(op, what, "1 to " + (1 << 28), value, t.name(), "check the layer's sizes");
    }
    return (int) value;
  }

  /** {@code out} may be {@code x} itself, but not overlap it in part. */
  static void sameOrDisjoint(String op, Tensor out, Tensor x) {
    if (out.address() != x.address()) {
      disjoint(op, out, x);
    }
  }

  static void disjoint(String op, Tensor out, Tensor x) {
    long from = out.address();
    long other = x.address();
    if (from < other + x.segment().byteSize() && other < from + out.segment().byteSize()) {
      throw bad(
          op, "memory of out", "apart from its input", "overlap", out.name(), "use another buffer");
    }
  }
}
