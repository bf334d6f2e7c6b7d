package inkstone.model.bench;

import inkstone.ops.Compute;
import inkstone.ops.Gemv;
import inkstone.ops.Linear;
import inkstone.ops.Peak;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Predicate;

/**
 * Work that is set up, checked and warm, ready to be run again and again in any order: so that
 * contestants can take turns. One thread at a time.
 */
public final class BenchSession implements AutoCloseable {
  private static final int WARM_RUNS = 2;
  private static final int MOST_WARM_RUNS = 30;
  private static final double WARM_SECONDS = 1;

  private final Map<Integer, Compute> computes = new HashMap<>();
  private final Map<BenchCase, Workload> workloads = new LinkedHashMap<>();
  private final double warmSeconds;

  public BenchSession() {
    this(WARM_SECONDS);
  }

  /**
   * One that warms up for less.
   *
   * @param warmSeconds most seconds for each work, after two runs
   */
  public BenchSession(double warmSeconds) {
    this.warmSeconds = warmSeconds;
  }

  /**
   * Sets the work up, runs it until compiled code does it, and checks its result. Does nothing when
   * that was done before.
   *
   * @throws IllegalStateException when the result is wrong
   */
  public void prepare(BenchCase of) {
    if (workloads.containsKey(of)) {
      return;
    }
    Workload workload = create(of);
    try {
      double seconds = 0;
      for (int run = 0; run < WARM_RUNS || (seconds < warmSeconds && run < MOST_WARM_RUNS); run++) {
        seconds += workload.run();
        if (run < WARM_RUNS) {
          workload.parts().forEach(part -> part.work().run());
        }
      }
      workload.check();
    } catch (RuntimeException | Error e) {
      workload.close();
      throw e;
    }
    workloads.put(of, workload);
  }

  /** Runs prepared or new work once; the seconds that it took. */
  public double run(BenchCase of) {
    return workload(of).run();
  }

  /** What one run does. */
  public BenchFacts facts(BenchCase of) {
    Workload workload = workload(of);
    return new BenchFacts(workload.flop(), workload.bytes(), workload.mappedBytes());
  }

  Workload workload(BenchCase of) {
    prepare(of);
    return workloads.get(of);
  }

  /** Width of the vectors in bits; 32 for plain loops. */
  public int vectorBits() {
    return Peak.vectorBits(compute(1));
  }

  /** Frees all work but the peak kernel, which holds no memory and need not warm up again. */
  public void clear() {
    free(of -> of.work() != BenchWork.PEAK);
  }

  private void free(Predicate<BenchCase> which) {
    workloads.entrySet().stream()
        .filter(entry -> which.test(entry.getKey()))
        .forEach(entry -> entry.getValue().close());
    workloads.keySet().removeIf(which);
  }

  private Workload create(BenchCase of) {
    Compute compute = compute(of.threads());
    return switch (of.work()) {
      case GEMM ->
          new GemmWorkload(
              compute, Linear::forward, of.size("m"), of.size("n"), of.size("k"), of.dtype());
      case GEMV ->
          new GemmWorkload(compute, Gemv::forward, 1, of.size("n"), of.size("k"), of.dtype());
      case ATTENTION ->
          new AttentionWorkload(compute, of.size("tokens"), of.size("heads"), of.size("head_dim"));
      case BLOCK -> new BlockWorkload(compute, of);
      case STEP -> new StepWorkload(compute, of);
      case VAE_DECODE, VAE_ENCODE -> new VaeWorkload(compute, of);
      case TEXT_DECODER, TEXT_VISION -> new TextWorkload(compute, of);
      case PEAK -> new PeakWorkload(compute);
      case READ -> new ReadWorkload(compute, of.size("megabytes"));
    };
  }

  /** The workers of so many threads; they live as long as the session. */
  Compute compute(int threads) {
    return computes.computeIfAbsent(threads, Compute::open);
  }

  @Override
  public void close() {
    free(of -> true);
    computes.values().forEach(Compute::close);
    computes.clear();
  }
}
