package inkstone.model.schedule;

/**
 * The mt19937 generator of Matsumoto and Nishimura, seeded as torch seeds its CPU generator: the
 * low 32 bits of the seed count, the rest is ignored.
 */
final class MersenneTwister {
  private static final int SIZE = 624;
  private static final int SHIFT = 397;

  private final int[] state = new int[SIZE];
  private int next = SIZE;

  MersenneTwister(long seed) {
    state[0] = (int) seed;
    for (int i = 1; i < SIZE; i++) {
      int previous = state[i - 1];
      state[i] = 1812433253 * (previous ^ (previous >>> 30)) + i;
    }
  }

  /** 32 uniform bits. */
  int nextInt() {
    if (next == SIZE) {
      refill();
      next = 0;
    }
    int y = state[next++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return y ^ (y >>> 18);
  }

  /** 64 uniform bits, the first draw in the high half. */
  long nextLong() {
    long high = nextInt();
    return high << 32 | (nextInt() & 0xffffffffL);
  }

  private void refill() {
    for (int i = 0; i < SIZE; i++) {
      int y = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      state[i] = state[(i + SHIFT) % SIZE] ^ (y >>> 1) ^ ((y & 1) == 0 ? 0 : 0x9908b0df);
    }
  }
}
