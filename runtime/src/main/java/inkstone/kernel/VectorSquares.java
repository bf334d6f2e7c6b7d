package inkstone.kernel;

import inkstone.memory.AddressSpace;
import java.nio.ByteOrder;
import jdk.incubator.vector.DoubleVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/** Sums of squares, a lane a partial sum: a narrow vector passes over a row for each few sums. */
final class VectorSquares {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final int CHAINS = Kernels.SQUARE_CHAINS;
  private static final VectorSpecies<Double> DOUBLES =
      DoubleVector.SPECIES_PREFERRED.withShape(VectorShapes.FLOATS.vectorShape());

  /** As many floats as {@link #DOUBLES} has lanes. */
  private static final VectorSpecies<Float> FLOATS =
      VectorShapes.FLOATS.withShape(VectorShape.forBitSize(DOUBLES.vectorBitSize() / 2));

  private static final int LANES = DOUBLES.length();

  private VectorSquares() {}

  /** As {@link Kernels#squares}. */
  static void squares(long sums, long a, long b, long rows, int channels) {
    int whole = channels & -CHAINS;
    for (long r = 0; r < rows; r++) {
      long to = sums + 2 * ScalarSquares.CHAIN_BYTES * r;
      long left = a + 4 * r * channels;
      long right = b + 4 * r * channels;
      for (int chain = 0; chain < CHAINS; chain += LANES) {
        chains(to + 8 * chain, left + 4 * chain, right + 4 * chain, whole);
      }
      ScalarSquares.add(to, left, right, whole, channels);
    }
  }

  /** Some of a row's partial sums, by every {@link Kernels#SQUARE_CHAINS}th element. */
  private static void chains(long sums, long a, long b, int whole) {
    DoubleVector difference = DoubleVector.zero(DOUBLES);
    DoubleVector reference = difference;
    for (int i = 0; i < whole; i += CHAINS) {
      DoubleVector v = load(b + 4L * i);
      DoubleVector d = load(a + 4L * i).sub(v);
      difference = d.fma(d, difference);
      reference = v.fma(v, reference);
    }
    store(difference, sums);
    store(reference, sums + ScalarSquares.CHAIN_BYTES);
  }

  private static DoubleVector load(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 4L * LANES);
    }
    return (DoubleVector)
        FloatVector.fromMemorySegment(FLOATS, AddressSpace.ALL, address, ORDER)
            .convertShape(VectorOperators.F2D, DOUBLES, 0);
  }

  private static void store(DoubleVector v, long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 8L * LANES);
    }
    v.intoMemorySegment(AddressSpace.ALL, address, ORDER);
  }
}
