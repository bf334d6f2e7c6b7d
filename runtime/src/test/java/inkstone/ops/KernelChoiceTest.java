package inkstone.ops;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Which kernels a JVM gets, seen from fresh JVMs. */
class KernelChoiceTest {
  private record Outcome(int exit, String output) {}

  @Test
  void vectorKernelsWhereTheModuleIs() throws IOException, InterruptedException {
    Outcome outcome = java("--add-modules=jdk.incubator.vector");
    assertThat(outcome.exit).as(outcome.output).isEqualTo(DescribeMain.VECTOR);
    assertThat(outcome.output).doesNotContain("kernels:");
  }

  @Test
  void scalarKernelsWithOneWarningWhereItIsNot() throws IOException, InterruptedException {
    Outcome outcome = java();
    assertThat(outcome.exit).as(outcome.output).isEqualTo(DescribeMain.SCALAR);
    assertThat(outcome.output).containsOnlyOnce("--add-modules jdk.incubator.vector");
  }

  private static Outcome java(String... flags) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(
        List.of(
            "--enable-native-access=ALL-UNNAMED",
            "-cp",
            System.getProperty("java.class.path"),
            DescribeMain.class.getName()));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(process.waitFor(), output);
  }
}
