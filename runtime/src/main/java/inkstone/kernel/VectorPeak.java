package inkstone.kernel;

import jdk.incubator.vector.FloatVector;

/** The yardstick of every rate: multiply-adds that touch nothing but registers. */
final class VectorPeak {
  private VectorPeak() {}

  /** {@link Kernels#FMA_CHAINS} vectors at {@code chains}, each {@code steps} times. */
  static void run(long chains, int steps) {
    FloatVector factor = FloatVector.broadcast(VectorShapes.FLOATS, Kernels.FMA_FACTOR);
    FloatVector addend = FloatVector.broadcast(VectorShapes.FLOATS, Kernels.FMA_ADDEND);
    FloatVector s0 = at(chains, 0);
    FloatVector s1 = at(chains, 1);
    FloatVector s2 = at(chains, 2);
    FloatVector s3 = at(chains, 3);
    FloatVector s4 = at(chains, 4);
    FloatVector s5 = at(chains, 5);
    FloatVector s6 = at(chains, 6);
    FloatVector s7 = at(chains, 7);
    FloatVector s8 = at(chains, 8);
    FloatVector s9 = at(chains, 9);
    FloatVector s10 = at(chains, 10);
    FloatVector s11 = at(chains, 11);
    for (int i = 0; i < steps; i++) {
      s0 = s0.fma(factor, addend);
      s1 = s1.fma(factor, addend);
      s2 = s2.fma(factor, addend);
      s3 = s3.fma(factor, addend);
      s4 = s4.fma(factor, addend);
      s5 = s5.fma(factor, addend);
      s6 = s6.fma(factor, addend);
      s7 = s7.fma(factor, addend);
      s8 = s8.fma(factor, addend);
      s9 = s9.fma(factor, addend);
      s10 = s10.fma(factor, addend);
      s11 = s11.fma(factor, addend);
    }
    put(s0, chains, 0);
    put(s1, chains, 1);
    put(s2, chains, 2);
    put(s3, chains, 3);
    put(s4, chains, 4);
    put(s5, chains, 5);
    put(s6, chains, 6);
    put(s7, chains, 7);
    put(s8, chains, 8);
    put(s9, chains, 9);
    put(s10, chains, 10);
    put(s11, chains, 11);
  }

  private static FloatVector at(long chains, int i) {
    return VectorMemory.load(chains + (long) i * VectorShapes.BYTES);
  }

  private static void put(FloatVector v, long chains, int i) {
    VectorMemory.store(v, chains + (long) i * VectorShapes.BYTES);
  }
}
