package inkstone.kernel;

import inkstone.memory.AddressSpace;
import inkstone.number.BFloat16;
import inkstone.number.Float8;
import inkstone.number.GgufBlock;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Scalar loads and stores at raw addresses. */
final class Raw {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

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

  static byte getByte(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 1);
    }
    return AddressSpace.ALL.get(ValueLayout.JAVA_BYTE, address);
  }

  static int getInt(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 4);
    }
    return AddressSpace.ALL.get(INT, address);
  }

  static long getLong(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 8);
    }
    return AddressSpace.ALL.get(LONG, address);
  }

  static void setLong(long address, long value) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 8);
    }
    AddressSpace.ALL.set(LONG, address, value);
  }

  static void setByte(long address, byte value) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 1);
    }
    AddressSpace.ALL.set(ValueLayout.JAVA_BYTE, address, value);
  }

  static void setShort(long address, short value) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 2);
    }
    AddressSpace.ALL.set(SHORT, address, value);
  }

  static double getDouble(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 8);
    }
    return AddressSpace.ALL.get(DOUBLE, address);
  }

  static void setDouble(long address, double value) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 8);
    }
    AddressSpace.ALL.set(DOUBLE, address, value);
  }

  /** Float16 at {@code address}. */
  static float half(long address) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address, 2);
    }
    return Float.float16ToFloat(AddressSpace.ALL.get(SHORT, address));
  }

  static void set(long address, long i, float value) {
    if (AddressSpace.CHECKED) {
      AddressSpace.check(address + i * 4, 4);
    }
    AddressSpace.ALL.set(FLOAT, address + i * 4, value);
  }

  /** As the other, times {@code scale} and rounded; with scale 1 its very bits. */
  static float get(ElementType type, long address, long i, float scale) {
    float stored = get(type, address, i);
    return scale == 1 ? stored : stored * scale;
  }

  /** Element {@code i} of the numbers of {@code type} that start at {@code address}. */
  static float get(ElementType type, long address, long i) {
    int inBlock = (int) (i % type.blockElements());
    long at = address + type.bytes(i - inBlock);
    if (AddressSpace.CHECKED) {
      AddressSpace.check(at, type.blockBytes());
    }
    return switch (type) {
      case F32 -> AddressSpace.ALL.get(FLOAT, at);
      case BF16 -> BFloat16.toFloat(AddressSpace.ALL.get(SHORT, at));
      case F16 -> Float.float16ToFloat(AddressSpace.ALL.get(SHORT, at));
      case F8_E4M3 -> Float8.e4m3ToFloat(AddressSpace.ALL.get(ValueLayout.JAVA_BYTE, at));
      case F8_E5M2 -> Float8.e5m2ToFloat(AddressSpace.ALL.get(ValueLayout.JAVA_BYTE, at));
      case Q8_0 -> GgufBlock.q8(AddressSpace.ALL, at, inBlock);
      case Q4_0 -> GgufBlock.q4(AddressSpace.ALL, at, inBlock);
      case Q4_1 -> GgufBlock.q4m(AddressSpace.ALL, at, inBlock);
      case Q5_0 -> GgufBlock.q5(AddressSpace.ALL, at, inBlock);
      case Q5_1 -> GgufBlock.q5m(AddressSpace.ALL, at, inBlock);
      case Q2_K -> GgufBlock.q2k(AddressSpace.ALL, at, inBlock);
      case Q3_K -> GgufBlock.q3k(AddressSpace.ALL, at, inBlock);
      case Q4_K -> GgufBlock.q4k(AddressSpace.ALL, at, inBlock);
      case Q5_K -> GgufBlock.q5k(AddressSpace.ALL, at, inBlock);
      case Q6_K -> GgufBlock.q6k(AddressSpace.ALL, at, inBlock);
      case IQ4_NL -> GgufBlock.iq4nl(AddressSpace.ALL, at, inBlock);
      case IQ4_XS -> GgufBlock.iq4xs(AddressSpace.ALL, at, inBlock);
    };
  }
}
