package inkstone.loader.gguf;

/** Types of metadata values, in the order of their numbers in the file. */
enum GgufType {
  U8(1),
  I8(1),
  U16(2),
  I16(2),
  U32(4),
  I32(4),
  F32(4),
  BOOL(1),
  STRING(0),
  ARRAY(0),
  U64(8),
  I64(8),
  F64(8);

  private static final GgufType[] ALL = values();

  private final int bytes;

  GgufType(int bytes) {
    this.bytes = bytes;
  }

  /** The type of that number, or null. */
  static GgufType of(int number) {
    return number < 0 || number >= ALL.length ? null : ALL[number];
  }

  /** Bytes of one value; 0 where it says its own length. */
  int bytes() {
    return bytes;
  }

  boolean isWhole() {
    return bytes > 0 && !isReal() && this != BOOL;
  }

  boolean isReal() {
    return this == F32 || this == F64;
  }
}
