package inkstone.parallel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of threads that run one statically split range at a time. The calling thread is
 * worker 0. The same range, granule and thread count always give the same split; kernels are
 * written so that the split never changes a result.
 *
 * <p>One caller at a time: it is the engine's tool, not a general executor. Workers spin briefly
 * between ranges, because consecutive layers follow within microseconds, then park.
 */
public final class WorkerPool implements AutoCloseable {
  /** Work on {@code [from, to)} by worker number {@code worker}. */
  @FunctionalInterface
  public interface RangeBody {
    void run(int worker, long from, long to);
  }

  /** Polls before a waiting thread parks: about 20 µs, longer than the gap between two layers. */
  private static final int SPINS = 2_000;

  private record Job(RangeBody body, long n, long granule) {}

  private final int threads;
  private final Thread[] workers;
  private final AtomicInteger pending = new AtomicInteger();
  private volatile Job job;
  private volatile int generation;
  private volatile boolean closed;
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile Thread caller;

  public WorkerPool(int threads) {
    if (threads < 1 || threads > 1024) {
      throw new IllegalArgumentException(
          "WorkerPool: threads is " + threads + ", expected 1 to 1024");
    }
    this.threads = threads;
    this.workers = new Thread[threads - 1];
    for (int i = 0; i < workers.length; i++) {
      int worker = i + 1;
      workers[i] =
          Thread.ofPlatform().daemon().name("inkstone-worker-" + worker).start(() -> serve(worker));
    }
  }

  public int threads() {
    return threads;
  }

  /**
   * Splits {@code [0, n)} over the workers, borders at multiples of {@code granule}, and returns
   * when all are done. The first exception of a worker is thrown here, after all have ended.
   *
   * @throws IllegalStateException when the pool is closed, or when a body calls it: ranges don't
   *     nest
   */
  public void forRange(long n, long granule, RangeBody body) {
    if (granule < 1) {
      throw new IllegalArgumentException(
          "WorkerPool.forRange: granule, expected 1 or more, got " + granule);
    }
    refuseNested();
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("WorkerPool: closed; open a new engine");
      }
      if (n <= 0) {
        return;
      }
      caller = Thread.currentThread();
      try {
        if (threads == 1 || n <= granule) {
          body.run(0, 0, n);
        } else {
          runAll(new Job(body, n, granule));
        }
      } finally {
        caller = null;
      }
    }
  }

  private void runAll(Job work) {
    failure.set(null);
    job = work;
    pending.set(threads - 1);
    generation = generation + 1; // publishes job; only callers write it, one at a time
    for (Thread worker : workers) {
      LockSupport.unpark(worker);
    }
    runPart(0, work);
    for (int spin = 0; pending.get() != 0; spin++) {
      if (spin < SPINS) {
        Thread.onSpinWait();
      } else {
        LockSupport.park(this);
      }
    }
    job = null;
    switch (failure.get()) {
      case null -> {}
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case Throwable e -> throw new IllegalStateException("WorkerPool: a worker failed", e);
    }
  }

  /** A nested call would wait for workers that wait for it. */
  private void refuseNested() {
    Thread current = Thread.currentThread();
    boolean nested = current == caller;
    for (Thread worker : workers) {
      nested |= current == worker;
    }
    if (nested) {
      throw new IllegalStateException(
          "WorkerPool: called from inside its own work; finish the running range first");
    }
  }

  private void runPart(int worker, Job work) {
    try {
      long from = Tiles.start(work.n, threads, worker, work.granule);
      long to = Tiles.start(work.n, threads, worker + 1, work.granule);
      if (from < to) {
        work.body.run(worker, from, to);
      }
    } catch (Throwable e) { // else the caller would wait forever
      failure.compareAndSet(null, e);
    }
  }

  private void serve(int worker) {
    int seen = 0;
    while (true) {
      for (int spin = 0; generation == seen && !closed; spin++) {
        if (spin < SPINS) {
          Thread.onSpinWait();
        } else {
          LockSupport.park(this);
        }
      }
      if (closed) {
        return;
      }
      seen++;
      runPart(worker, job);
      Thread waiting = caller;
      if (pending.decrementAndGet() == 0) {
        LockSupport.unpark(waiting);
      }
    }
  }

  @Override
  public void close() {
    refuseNested();
    synchronized (this) {
      closed = true;
    }
    for (Thread worker : workers) {
      LockSupport.unpark(worker);
    }
    boolean interrupted = false;
    for (Thread worker : workers) {
      while (worker.isAlive()) {
        try {
          worker.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
