package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A request to terminate, sent to a real process. */
@DisabledOnOs(OS.WINDOWS)
final class InterruptTest {
  @TempDir Path folder;

  /** The program with an engine whose steps take 50 ms. */
  static final class SlowMain {
    private SlowMain() {}

    public static void main(String[] args) {
      FakeEngine engine = new FakeEngine();
      engine.afterStep =
          () -> {
            try {
              Thread.sleep(50);
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          };
      Main.launch(args, engine);
    }
  }

  private Process start(String... args) throws Exception {
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules=jdk.incubator.vector",
                "-cp",
                System.getProperty("java.class.path"),
                SlowMain.class.getName()));
    command.addAll(List.of(args));
    return new ProcessBuilder(command).directory(folder.toFile()).start();
  }

  @Test
  void endsWith130AndLeavesNothing() throws Exception {
    Process process = start("generate", "-p", "x", "--steps", "1000", "-o", "out.png");
    StringBuilder errors = new StringBuilder();
    try (BufferedReader err =
        new BufferedReader(
            new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
      String line = err.readLine();
      while (line != null) {
        errors.append(line).append('\n');
        if (line.contains("step 1/1000")) {
          // The process's own destroy would also close the stream that is being read.
          process.toHandle().destroy();
        }
        line = err.readLine();
      }
    }

    assertThat(process.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(errors.toString()).isEqualTo(ExitCode.CANCELLED);
    assertThat(errors).contains("inkstone: cancelled");
    assertThat(new CliHarness(folder).files()).isEmpty();
  }

  @Test
  void aRunThatIsLeftAloneEndsWellAndACodeComesThrough() throws Exception {
    Process good = start("generate", "-p", "x", "--steps", "1", "-o", "out.png");
    Process bad = start("generate", "-p", "x", "--steps", "0", "-o", "out.png");

    assertThat(good.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(bad.waitFor(20, TimeUnit.SECONDS)).isTrue();
    assertThat(good.exitValue()).isEqualTo(ExitCode.DONE);
    assertThat(bad.exitValue()).isEqualTo(ExitCode.USAGE);
    assertThat(new CliHarness(folder).files()).containsExactly("out.png");
  }
}
