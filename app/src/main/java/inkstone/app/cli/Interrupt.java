package inkstone.app.cli;

import java.io.PrintStream;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Ctrl-C and the request to terminate: the running job is cancelled, ends within one block, cleans
 * up, and the process returns {@link ExitCode#CANCELLED}.
 */
final class Interrupt {
  /**
   * How long a job may take to end by itself. A block of a large run can take longer; then the
   * process ends without it, which is safe, because files only ever appear whole.
   */
  private static final long PATIENCE_SECONDS = 5;

  private final CountDownLatch mainEnded = new CountDownLatch(1);
  private final RunningJob job;
  private final Errors errors;
  private final PrintStream out;
  private final PrintStream err;
  private volatile boolean exiting;

  private Interrupt(Cli cli, Errors errors) {
    this.job = cli.jobs();
    this.errors = errors;
    this.out = cli.out();
    this.err = cli.err();
  }

  static Interrupt install(Cli cli, Errors errors) {
    Interrupt interrupt = new Interrupt(cli, errors);
    Runtime.getRuntime().addShutdownHook(new Thread(interrupt::onShutdown, "inkstone-interrupt"));
    return interrupt;
  }

  /** Ends the process with this code, unless an interrupt is already ending it with its own. */
  void exit(int code) {
    out.flush();
    err.flush();
    exiting = true;
    mainEnded.countDown();
    System.exit(code);
  }

  private void onShutdown() {
    if (exiting) {
      return;
    }
    job.cancelToken().cancel();
    try {
      if (!job.isStoppable() || !mainEnded.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        errors.failed(new CancellationException());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    out.flush();
    err.flush();
    // halt, because the JVM's own code for a request to terminate would be 143.
    Runtime.getRuntime().halt(ExitCode.CANCELLED);
  }
}
