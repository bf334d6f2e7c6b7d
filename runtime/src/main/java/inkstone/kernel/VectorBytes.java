package inkstone.kernel;

import static inkstone.kernel.VectorMemory.store;
import static inkstone.kernel.VectorWiden.ofInts;
import static inkstone.kernel.VectorWiden.signedBytes;
import static inkstone.kernel.VectorWiden.unsignedBytes;

import inkstone.memory.AddressSpace;
import inkstone.number.GgufBlock;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * What unpacking of quantised types has in common: numbers of less than a byte are spread to bytes,
 * 16 at a time, and bytes then become floats.
 */
final class VectorBytes {
  private static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  private static final int LANES = VectorShapes.LANES;
  private static final ByteVector LOW = all(15);
  private static final ByteVector NON_LINEAR = nonLinear();

  private VectorBytes() {}

  static ByteVector all(int value) {
    return ByteVector.broadcast(VectorShapes.BYTES_16, (byte) value);
  }

  private static ByteVector nonLinear() {
    byte[] values = new byte[16];
    for (int code = 0; code < values.length; code++) {
      values[code] = (byte) GgufBlock.nonLinear(code);
    }
    return ByteVector.fromArray(VectorShapes.BYTES_16, values, 0);
  }

  static ByteVector load(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 16);
    }
    return ByteVector.fromMemorySegment(VectorShapes.BYTES_16, AddressSpace.ALL, address, ORDER);
  }

  static void keep(ByteVector v, long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 16);
    }
    v.intoMemorySegment(AddressSpace.ALL, address, ORDER);
  }

  /** Shifts of the whole ints: the bits that cross a byte are masked away by the caller. */
  static ByteVector right(ByteVector v, int by) {
    return v.reinterpretAsInts().lanewise(VectorOperators.LSHR, by).reinterpretAsBytes();
  }

  /** As {@link #right}. */
  static ByteVector left(ByteVector v, int by) {
    return v.reinterpretAsInts().lanewise(VectorOperators.LSHL, by).reinterpretAsBytes();
  }

  /** As {@link #right}, for a shift to either side; a negative one is to the left. */
  static ByteVector rotated(ByteVector v, int by) {
    return v.reinterpretAsInts().lanewise(VectorOperators.ROR, by).reinterpretAsBytes();
  }

  /** The lower four bits of each byte. */
  static ByteVector lower(ByteVector v) {
    return v.and(LOW);
  }

  /** The upper four bits of each byte. */
  static ByteVector upper(ByteVector v) {
    return right(v, 4).and(LOW);
  }

  /** What the codes of the non-linear types stand for. */
  static ByteVector nonLinear(ByteVector codes) {
    return codes.selectFrom(NON_LINEAR);
  }

  /** {@code n} signed bytes times {@code scale}. */
  static void scaled(long to, long bytes, int n, float scale) {
    FloatVector s = FloatVector.broadcast(VectorShapes.FLOATS, scale);
    for (int i = 0; i < n; i += LANES) {
      store(ofInts(signedBytes(bytes + i)).mul(s), to + 4L * i);
    }
  }

  /** {@code n} bytes times {@code scale}, less {@code minimum}. */
  static void affine(long to, long bytes, int n, float scale, float minimum) {
    FloatVector s = FloatVector.broadcast(VectorShapes.FLOATS, scale);
    FloatVector m = FloatVector.broadcast(VectorShapes.FLOATS, minimum);
    for (int i = 0; i < n; i += LANES) {
      store(ofInts(unsignedBytes(bytes + i)).mul(s).sub(m), to + 4L * i);
    }
  }
}
