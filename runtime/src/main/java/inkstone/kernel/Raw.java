package inkstone.kernel;

import inkstone.memory.AddressSpace;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Scalar loads and stores at raw addresses. */
final class Raw {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Raw() {}

  /** Float at {@code address}. */
  static float get(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 4);
    }
    return AddressSpace.ALL.get(FLOAT, address);
  }

  /** Element {@code i} of the floats at {@code address}. */
  static float get(long address, long i) {
    return get(address + i * 4);
  }

  static void set(long address, long i, float value) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address + i * 4, 4);
    }
    AddressSpace.ALL.set(FLOAT, address + i * 4, value);
  }

  /** Element {@code i} of the numbers of {@code type} at {@code address}. */
  static float get(ElementType type, long address, long i) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address + i * type.bytes(), type.bytes());
    }
    return switch (type) {
      case F32 -> AddressSpace.ALL.get(FLOAT, address + i * 4);
      case BF16 -> Float.intBitsToFloat(AddressSpace.ALL.get(SHORT, address + i * 2) << 16);
      case F16 -> Float.float16ToFloat(AddressSpace.ALL.get(SHORT, address + i * 2));
    };
  }
}
