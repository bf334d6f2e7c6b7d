package inkstone.model.fuzz;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The fuzzer's own process: a small heap, a watch on mutants that never end, and the number of the
 * mutant at work in a mapped file that outlives a crash of the JVM.
 */
final class FuzzMain {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int HUNG = 2;

  private static final long HANG_NANOS = TimeUnit.SECONDS.toNanos(60);

  private FuzzMain() {}

  /**
   * Runs it.
   *
   * @param args folder to work in, seed, number of the first mutant, how many
   */
  public static void main(String[] args) throws IOException {
    Path folder = Path.of(args[0]);
    long seed = Long.parseLong(args[1]);
    int first = Integer.parseInt(args[2]);
    int count = Integer.parseInt(args[3]);
    PrintStream out = System.out;
    Fuzzer fuzzer =
        new Fuzzer(
            FuzzSubjects.in(Files.createDirectories(folder.resolve("subjects"))),
            seed,
            Files.createDirectories(folder.resolve("failures")));
    fuzzer.requireValid();
    AtomicLong started = new AtomicLong(System.nanoTime());
    try (FileChannel channel =
        FileChannel.open(
            folder.resolve("mutant"),
            StandardOpenOption.CREATE,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      ByteBuffer current = channel.map(FileChannel.MapMode.READ_WRITE, 0, Integer.BYTES);
      watch(started, current, out);
      for (int number = first; number < first + count; number++) {
        current.putInt(0, number);
        started.set(System.nanoTime());
        fuzzer.run(number);
      }
    }
    out.printf(
        "seed %d, mutants %d to %d, heap limit %d MB%n",
        seed, first, first + count - 1, Runtime.getRuntime().maxMemory() >> 20);
    fuzzer.report().print(out);
    out.flush();
    System.exit(fuzzer.report().failed() ? FAILED : DONE);
  }

  private static void watch(AtomicLong started, ByteBuffer current, PrintStream out) {
    Thread worker = Thread.currentThread();
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          while (System.nanoTime() - started.get() < HANG_NANOS) {
            try {
              Thread.sleep(1000);
            } catch (InterruptedException e) {
              return;
            }
          }
          out.println("mutant " + current.getInt(0) + " hangs at:");
          Arrays.stream(worker.getStackTrace()).limit(20).forEach(out::println);
          out.flush();
          Runtime.getRuntime().halt(HUNG);
        });
  }
}
