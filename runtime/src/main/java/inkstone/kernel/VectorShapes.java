package inkstone.kernel;

import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * The one vector width of this process: the machine's preferred one, or {@code
 * -Dinkstone.vector.bits=128|256|512}, with which tests run every width.
 */
final class VectorShapes {
  /** Property that forces a width in bits. */
  static final String BITS_PROPERTY = "inkstone.vector.bits";

  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED.withShape(shape());
  static final VectorSpecies<Integer> INTS =
      IntVector.SPECIES_PREFERRED.withShape(FLOATS.vectorShape());

  /** As many 16-bit numbers as {@link #FLOATS} has lanes. */
  static final VectorSpecies<Short> HALVES =
      ShortVector.SPECIES_PREFERRED.withShape(
          VectorShape.forBitSize(FLOATS.vectorShape().vectorBitSize() / 2));

  /** As many bytes as {@link #FLOATS} has lanes, and at least 8: the API has no shorter vector. */
  static final VectorSpecies<Byte> QUARTERS =
      ByteVector.SPECIES_PREFERRED.withShape(
          VectorShape.forBitSize(Math.max(64, FLOATS.vectorShape().vectorBitSize() / 4)));

  /** 16 bytes. */
  static final VectorSpecies<Byte> BYTES_16 = ByteVector.SPECIES_128;

  /** Lanes of one vector of floats. */
  static final int LANES = FLOATS.length();

  /** Bytes of one vector. */
  static final int BYTES = 4 * LANES;

  private VectorShapes() {}

  private static VectorShape shape() {
    int bits = Integer.getInteger(BITS_PROPERTY, FloatVector.SPECIES_PREFERRED.vectorBitSize());
    if (bits != 128 && bits != 256 && bits != 512) {
      throw new IllegalArgumentException(
          "VectorShapes: "
              + BITS_PROPERTY
              + ", expected 128, 256 or 512, got "
              + bits
              + "; remove the property");
    }
    return VectorShape.forBitSize(bits);
  }
}
