package inkstone.model.fuzz;

import com.sun.management.ThreadMXBean;
import inkstone.loader.CheckpointException;
import inkstone.memory.TensorArena;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SplittableRandom;

/** Makes mutants, has them read, and judges what happened. */
final class Fuzzer {
  /** Longest that one mutant may take. */
  private static final long MAX_NANOS = 2_000_000_000L;

  /** Most heap that one mutant may allocate, garbage included. */
  private static final long MAX_ALLOCATED = 64L << 20;

  private static final int MAX_MESSAGE_CHARS = 4000;

  private final List<FuzzSubject> tickets;
  private final long seed;
  private final Path failures;
  private final FuzzReport report = new FuzzReport();
  private final ThreadMXBean threads =
      (ThreadMXBean) ManagementFactory.getThreadMXBean(); // HotSpot's, which counts bytes

  /**
   * Over these files; one that is named twice gets twice the mutants.
   *
   * @param failures folder for mutants that fail
   */
  Fuzzer(List<FuzzSubject> subjects, long seed, Path failures) {
    this.tickets = List.copyOf(subjects);
    this.seed = seed;
    this.failures = failures;
  }

  FuzzReport report() {
    return report;
  }

  /** Mutant {@code number}, which depends on it and the seed only. */
  void run(int number) throws IOException {
    SplittableRandom random = new SplittableRandom(seed ^ number * 0x9e3779b97f4a7c15L);
    FuzzSubject subject = tickets.get(number % tickets.size());
    byte[] mutant = subject.mutator().mutant(subject.valid(), random);
    Files.write(subject.file(), mutant);
    try {
      Verdict verdict = judge(subject);
      if (verdict.nanos() > MAX_NANOS) {
        // Another process may have had the processor: slow twice is slow.
        verdict = judge(subject);
      }
      String problem = verdict.problem();
      if (problem == null && verdict.nanos() > MAX_NANOS) {
        problem = "took " + verdict.nanos() / 1_000_000 + " ms";
      }
      if (problem == null && verdict.allocated() > MAX_ALLOCATED) {
        problem = "allocated " + (verdict.allocated() >> 20) + " MB of heap";
      }
      report.add(subject.kind(), number, verdict);
      if (problem != null) {
        Files.write(failures.resolve(number + "-" + subject.file().getFileName()), mutant);
        report.fail("mutant " + number + " (" + subject.kind() + "): " + problem);
      }
    } finally {
      Files.write(subject.file(), subject.valid());
    }
  }

  /** Says whether the valid files are read at all; without that no mutant proves anything. */
  void requireValid() throws IOException {
    for (FuzzSubject subject : tickets) {
      try (TensorArena arena = TensorArena.open("fuzz")) {
        subject.target().open(arena);
      }
    }
  }

  /**
   * What came of one mutant.
   *
   * @param opened whether it was read without complaint
   * @param problem what must not be, or null
   */
  record Verdict(boolean opened, String problem, long nanos, long allocated) {}

  private Verdict judge(FuzzSubject subject) {
    boolean opened = false;
    String problem = null;
    long bytes = threads.getCurrentThreadAllocatedBytes();
    long start = System.nanoTime();
    try (TensorArena arena = TensorArena.open("fuzz")) {
      subject.target().open(arena);
      opened = true;
    } catch (CheckpointException e) {
      problem = unfitMessage(e.getMessage());
    } catch (Exception | StackOverflowError | OutOfMemoryError | AssertionError e) {
      problem = trace(e);
    } catch (InternalError e) {
      problem = "read beyond the file's end: " + trace(e);
    }
    long nanos = System.nanoTime() - start;
    return new Verdict(opened, problem, nanos, threads.getCurrentThreadAllocatedBytes() - bytes);
  }

  private static String unfitMessage(String message) {
    if (message == null || message.isBlank()) {
      return "refused without a message";
    }
    if (message.length() > MAX_MESSAGE_CHARS) {
      return "a message of " + message.length() + " characters";
    }
    boolean clean = message.chars().noneMatch(c -> Character.isISOControl(c));
    return clean ? null : "a message with control characters: " + message;
  }

  private static String trace(Throwable e) {
    StringWriter text = new StringWriter();
    e.printStackTrace(new PrintWriter(text));
    return text.toString().lines().limit(12).reduce((a, b) -> a + System.lineSeparator() + b).get();
  }
}
