package inkstone.ops;

import inkstone.kernel.ElementType;
import inkstone.tensor.DType;
import inkstone.tensor.Tensor;
import java.util.Arrays;

/** Entry checks of the ops: messages name the op, what was expected, what came and from where. */
final class Check {
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

  /** An activation: F32. */
  static void f32(String op, String role, Tensor t) {
    notNull(op, role, t);
    if (t.dtype() != DType.F32) {
      throw bad(op, "dtype of " + role, "F32", t.dtype(), t.name(), "widen it first");
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

  /** Storage type of a weight. */
  static ElementType type(String op, String role, Tensor t) {
    notNull(op, role, t);
    return switch (t.dtype()) {
      case F32 -> ElementType.F32;
      case BF16 -> ElementType.BF16;
      case F16 -> ElementType.F16;
      case F8_E4M3 -> ElementType.F8_E4M3;
      case F8_E5M2 -> ElementType.F8_E5M2;
      case Q8_0 -> ElementType.Q8_0;
      case Q4_0 -> ElementType.Q4_0;
      case Q5_0 -> ElementType.Q5_0;
      case Q4_K -> ElementType.Q4_K;
      case Q5_K -> ElementType.Q5_K;
      case Q6_K -> ElementType.Q6_K;
      case F64, I64, I32, I16, I8, U8, BOOL ->
          throw bad(
              op,
              "dtype of " + role,
              "one of " + Arrays.toString(ElementType.values()),
              t.dtype(),
              t.name(),
              "convert the file");
    };
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
