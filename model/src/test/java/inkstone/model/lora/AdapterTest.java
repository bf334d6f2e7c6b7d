package inkstone.model.lora;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.memory.TensorArena;
import inkstone.ops.Compute;
import inkstone.tensor.DType;
import inkstone.tensor.Shape;
import inkstone.tensor.Tensor;
import inkstone.tensor.TensorAssert;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Every kind of adapter against its whole weight in double, with and without a gate. */
final class AdapterTest {
  private static final int ROWS = 300; // more than rows that go together
  private static final float SCALE = 0.625f;
  private final TensorArena arena = TensorArena.open("test");
  private final Random random = new Random(5);

  @AfterEach
  void close() {
    arena.close();
  }

  private Tensor random(DType dtype, long... dims) {
    Tensor tensor = Tensor.allocate(arena, "random", dtype, Shape.of(dims));
    for (long i = 0; i < tensor.elements(); i++) {
      tensor.setFloat(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private static double[][] product(Tensor a, Tensor b) {
    double[][] result = new double[(int) a.dim(0)][(int) b.dim(1)];
    for (int i = 0; i < result.length; i++) {
      for (int k = 0; k < a.dim(1); k++) {
        for (int j = 0; j < result[0].length; j++) {
          result[i][j] += (double) a.getFloat(i * a.dim(1) + k) * b.getFloat(k * b.dim(1) + j);
        }
      }
    }
    return result;
  }

  private static double[][] values(Tensor a) {
    double[][] result = new double[(int) a.dim(0)][(int) a.dim(1)];
    for (int i = 0; i < a.elements(); i++) {
      result[i / (int) a.dim(1)][i % (int) a.dim(1)] = a.getFloat(i);
    }
    return result;
  }

  /** {@code out + gate · scale · (x · ΔWᵀ)}. */
  private static float[] expected(Tensor out, Tensor gate, Tensor x, double[][] delta) {
    float[] result = out.toFloatArray();
    int n = delta.length;
    int k = delta[0].length;
    for (int at = 0; at < result.length; at++) {
      double sum = 0;
      for (int i = 0; i < k; i++) {
        sum += x.getFloat((long) at / n * k + i) * delta[at % n][i];
      }
      result[at] += (float) ((gate == null ? 1 : gate.getFloat(at % n)) * SCALE * sum);
    }
    return result;
  }

  private void check(String what, Adapter adapter, double[][] delta) {
    int n = delta.length;
    int k = delta[0].length;
    Tensor x = random(DType.F32, ROWS, k);
    Tensor before = random(DType.F32, ROWS, n);
    for (Tensor gate : new Tensor[] {null, random(DType.F32, n)}) {
      float[] whole = expected(before, gate, x, delta);
      float[] first = null;
      for (int threads : new int[] {1, 2, 5}) {
        try (Compute compute = Compute.open(threads)) {
          long held = arena.allocatedBytes();
          LoraBuffers buffers = new LoraBuffers(arena, adapter.needs(), ROWS);
          assertThat(arena.allocatedBytes() - held).isEqualTo(adapter.needs().bytes(ROWS));
          float[] got = add(compute, buffers, adapter, before, gate, x);
          TensorAssert.assertRel(what, whole, got, 1e-5);
          first = first == null ? got : first;
          TensorAssert.assertBits(what + " by " + threads, first, got);
          float[] alone = add(compute, buffers, adapter, before.rows(7, 8), gate, x.rows(7, 8));
          TensorAssert.assertBits(
              what + " alone", java.util.Arrays.copyOfRange(got, 7 * n, 8 * n), alone);
        }
      }
    }
  }

  private float[] add(
      Compute compute, LoraBuffers buffers, Adapter adapter, Tensor before, Tensor gate, Tensor x) {
    Tensor out = Tensor.f32(arena, "out", before.dim(0), before.dim(1));
    out.copyFrom(before);
    adapter.add(compute, buffers, out, gate, x);
    return out.toFloatArray();
  }

  @Test
  void aLowRankPairIsItsProduct() {
    for (DType dtype : new DType[] {DType.F32, DType.BF16, DType.F16}) {
      Tensor down = random(dtype, 5, 48);
      Tensor up = random(dtype, 31, 5);
      check("LoRA " + dtype, new LowRank(down, up, SCALE), product(up, down));
    }
  }

  @Test
  void aWholeDifferenceIsItself() {
    Tensor delta = random(DType.BF16, 31, 48);
    check("diff", new WholeDelta(delta, SCALE), values(delta));
  }

  @Test
  void aHadamardProductIsThatOfTheProducts() {
    for (int rank : new int[] {1, 3, 10, 70}) { // the last takes more than one product each
      Tensor a1 = random(DType.F32, 33, rank);
      Tensor b1 = random(DType.BF16, rank, 20);
      Tensor a2 = random(DType.F16, 33, rank);
      Tensor b2 = random(DType.F32, rank, 20);
      double[][] delta = product(a1, b1);
      double[][] other = product(a2, b2);
      for (int i = 0; i < delta.length; i++) {
        for (int j = 0; j < delta[0].length; j++) {
          delta[i][j] *= other[i][j];
        }
      }
      check("LoHa " + rank, new Hadamard(a1, b1, a2, b2, SCALE), delta);
    }
  }

  @Test
  void aKroneckerProductIsThatOfItsFactors() {
    Tensor left = random(DType.F32, 3, 4);
    Tensor up = random(DType.BF16, 11, 2);
    Tensor down = random(DType.F16, 2, 5);
    check("LoKr", new KroneckerFactors(left, up, down, SCALE), kron(left, product(up, down)));
    Tensor right = random(DType.BF16, 11, 5);
    check("LoKr whole", new KroneckerFactors(left, right, null, SCALE), kron(left, values(right)));
  }

  private static double[][] kron(Tensor left, double[][] right) {
    int s = right.length;
    int t = right[0].length;
    double[][] result = new double[(int) left.dim(0) * s][(int) left.dim(1) * t];
    for (int i = 0; i < result.length; i++) {
      for (int j = 0; j < result[0].length; j++) {
        result[i][j] = left.getFloat(i / s * left.dim(1) + j / t) * right[i % s][j % t];
      }
    }
    return result;
  }
}
