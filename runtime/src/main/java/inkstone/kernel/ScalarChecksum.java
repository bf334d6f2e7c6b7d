package inkstone.kernel;

/** A checksum in plain loops. */
final class ScalarChecksum {
  private ScalarChecksum() {}

  /** As {@link Kernels#checksum}. */
  static int checksum(long address, long bytes) {
    int sum = 0;
    long words = bytes / 4;
    for (long i = 0; i < words; i++) {
      sum += Raw.getInt(address + 4 * i);
    }
    int last = 0;
    for (long i = 4 * words; i < bytes; i++) {
      last |= (Raw.getByte(address + i) & 0xff) << (8 * (i & 3));
    }
    return sum + last;
  }
}
