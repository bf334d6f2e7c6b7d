package inkstone.loader.gguf;

/**
 * Where a metadata value lies in the file.
 *
 * @param type its type
 * @param element type of the elements of an array; null for others
 * @param count elements of an array, bytes of a string, 1 for others
 * @param offset first byte of the content, after type and count
 */
record GgufValue(GgufType type, GgufType element, long count, long offset) {
  boolean isArray() {
    return type == GgufType.ARRAY;
  }

  /** The type in words, for messages. */
  String describe() {
    return isArray() ? "an array of " + count + " " + element : type.toString();
  }
}
