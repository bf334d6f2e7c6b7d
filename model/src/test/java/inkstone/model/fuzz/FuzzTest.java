package inkstone.model.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/**
 * Some thousands of mutants with a fixed seed, in a JVM with a small heap. A long run sets {@code
 * -Dinkstone.fuzz.mutants=100000}, and {@code -Dinkstone.fuzz.seed=N} and {@code
 * -Dinkstone.fuzz.first=N} to see one mutant again; see CONTRIBUTING.md.
 */
class FuzzTest {
  private static final int MUTANTS = Integer.getInteger("inkstone.fuzz.mutants", 4000);
  private static final int FIRST = Integer.getInteger("inkstone.fuzz.first", 0);
  private static final long SEED = Long.getLong("inkstone.fuzz.seed", 20_261_125L);

  /** 64 MB for what is tested, the rest for the fuzzer and its files. */
  private static final String HEAP = "-Xmx96m";

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  @Test
  void everyMutantOpensOrIsRefused() throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            HEAP,
            "-XX:+UseSerialGC",
            "--add-modules=jdk.incubator.vector",
            "--enable-native-access=ALL-UNNAMED",
            "-Dinkstone.root=" + System.getProperty("inkstone.root"),
            "-cp",
            System.getProperty("java.class.path"),
            FuzzMain.class.getName(),
            folder.toString(),
            Long.toString(SEED),
            Integer.toString(FIRST),
            Integer.toString(MUTANTS)));
    Path log = folder.resolve("run.log");
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    try {
      // A mutant takes about a millisecond; ten of them each are patience, not a measure.
      assertThat(process.waitFor(120 + MUTANTS / 100, TimeUnit.SECONDS)).as("ends").isTrue();
    } finally {
      process.destroyForcibly();
    }
    String report = Files.readString(log);
    if (Integer.getInteger("inkstone.fuzz.mutants") != null) {
      System.out.println(report);
    }
    assertThat(process.exitValue())
        .as("%s%nlast mutant %d, in %s", report, lastMutant(), folder)
        .isEqualTo(FuzzMain.DONE);
  }

  private int lastMutant() throws Exception {
    Path number = folder.resolve("mutant");
    return Files.exists(number) ? ByteBuffer.wrap(Files.readAllBytes(number)).getInt() : -1;
  }
}
