package inkstone.ops;

import inkstone.kernel.Kernels;

/** What this machine can do at most, measured: the yardstick beside every rate. */
public final class Peak {
  private static final String OP = "Peak";

  /**
   * Length of a chain in one call of the kernel. Short, so that there are calls enough for C2 to
   * compile the whole method: entered in mid-loop, its vectors go to the heap.
   */
  private static final int STEPS = 512;

  /**
   * Calls after which C2 has compiled the whole kernel, and their steps: too few for a loop's own
   * entry.
   */
  private static final int WARM_UP_CALLS = 20_000;

  private static final int WARM_UP_STEPS = 16;

  private Peak() {}

  /** Width of the vectors in bits; 32 for plain loops. */
  public static int vectorBits(Compute c) {
    return Float.SIZE * c.kernels().lanes();
  }

  /**
   * Keeps every thread busy with multiply-adds in registers.
   *
   * @param calls how often each thread runs its chains, 1 or more; a call takes some microseconds
   * @return additions and multiplications done
   */
  public static long multiplyAdds(Compute c, int calls) {
    if (calls < 1) {
      throw new IllegalArgumentException(
          OP + ": calls, expected 1 or more, got " + calls + "; pass some hundred");
    }
    int numbers = Kernels.FMA_CHAINS * c.kernels().lanes();
    c.reserveWorkers(4L * numbers);
    run(c, calls, STEPS);
    return 2L * STEPS * calls * numbers * c.threads();
  }

  /** Has the kernel compiled; call once before the first {@link #multiplyAdds} that is timed. */
  public static void warmUp(Compute c) {
    c.reserveWorkers(4L * Kernels.FMA_CHAINS * c.kernels().lanes());
    run(c, WARM_UP_CALLS, WARM_UP_STEPS);
  }

  private static void run(Compute c, int calls, int steps) {
    Kernels kernels = c.kernels();
    // Scratch holds what the last op left. A chain tends to 1 or stays NaN; both take the same
    // time.
    c.forRange(
        c.threads(),
        1,
        (worker, from, to) -> {
          for (int call = 0; call < calls; call++) {
            kernels.fmaPeak(c.workerScratch(worker), steps);
          }
        });
  }
}
