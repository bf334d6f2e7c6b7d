package inkstone.ops;

import inkstone.memory.TensorArena;
import inkstone.tensor.Tensor;

/** Runs one op in a JVM of its own, for {@link KernelChoiceTest}; the result is the exit code. */
final class DescribeMain {
  static final int VECTOR = 10;
  static final int SCALAR = 11;
  static final int WRONG = 12;

  private DescribeMain() {}

  public static void main(String[] args) {
    try (Compute c = Compute.open(2);
        TensorArena arena = TensorArena.open("main")) {
      Tensor x = Tensor.of(arena, "x", new float[] {1, 2}, 1, 2);
      Elementwise.add(c, x, x, x);
      boolean vector = c.describe().contains("vector");
      boolean unchecked =
          "0".equals(System.getProperty("jdk.incubator.vector.VECTOR_ACCESS_OOB_CHECK"));
      boolean right = x.getFloat(1) == 4 && vector == unchecked;
      System.exit(right ? vector ? VECTOR : SCALAR : WRONG);
    }
  }
}
