package inkstone.kernel;

import static inkstone.kernel.VectorMemory.first;
import static inkstone.kernel.VectorMemory.load;
import static inkstone.kernel.VectorMemory.store;
import static inkstone.kernel.VectorMemory.whole;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;

/** Element-wise passes. The last, partial vector is masked, so that it computes the same way. */
final class VectorElementwise {
  private static final int LANES = VectorShapes.LANES;

  private VectorElementwise() {}

  static void silu(long out, long x, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(VectorMath.silu(load(x + 4 * i)), out + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      store(VectorMath.silu(load(x + 4 * whole, mask)), out + 4 * whole, mask);
    }
  }

  static void geluTanh(long out, long x, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(VectorMath.geluTanh(load(x + 4 * i)), out + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      store(VectorMath.geluTanh(load(x + 4 * whole, mask)), out + 4 * whole, mask);
    }
  }

  static void geluErf(long out, long x, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(VectorMath.geluErf(load(x + 4 * i)), out + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      store(VectorMath.geluErf(load(x + 4 * whole, mask)), out + 4 * whole, mask);
    }
  }

  static void swiGlu(long out, long gate, long up, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(VectorMath.silu(load(gate + 4 * i)).mul(load(up + 4 * i)), out + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      FloatVector y = VectorMath.silu(load(gate + 4 * whole, mask));
      store(y.mul(load(up + 4 * whole, mask)), out + 4 * whole, mask);
    }
  }

  static void add(long out, long a, long b, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(load(a + 4 * i).add(load(b + 4 * i)), out + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      FloatVector y = load(a + 4 * whole, mask).add(load(b + 4 * whole, mask));
      store(y, out + 4 * whole, mask);
    }
  }

  static void scale(long out, long x, float factor, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(load(x + 4 * i).mul(factor), out + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      store(load(x + 4 * whole, mask).mul(factor), out + 4 * whole, mask);
    }
  }

  static void addScaled(long x, long y, float factor, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(load(x + 4 * i).add(load(y + 4 * i).mul(factor)), x + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      FloatVector product = load(y + 4 * whole, mask).mul(factor);
      store(load(x + 4 * whole, mask).add(product), x + 4 * whole, mask);
    }
  }

  /** {@code x += y * gate} of one row. */
  static void addProduct(long x, long y, long gate, long n) {
    long whole = whole(n);
    for (long i = 0; i < whole; i += LANES) {
      store(load(x + 4 * i).add(load(y + 4 * i).mul(load(gate + 4 * i))), x + 4 * i);
    }
    if (whole < n) {
      VectorMask<Float> mask = first(n - whole);
      FloatVector product = load(y + 4 * whole, mask).mul(load(gate + 4 * whole, mask));
      store(load(x + 4 * whole, mask).add(product), x + 4 * whole, mask);
    }
  }
}
