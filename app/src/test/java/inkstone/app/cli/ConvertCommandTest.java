package inkstone.app.cli;

import static org.assertj.core.api.Assertions.assertThat;

import inkstone.app.cli.CliHarness.Outcome;
import inkstone.loader.json.Json;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** convert as a user meets it: what it prints, its codes, and what it leaves behind. */
final class ConvertCommandTest {
  @TempDir Path folder;

  private CliHarness cli;
  private Path model;
  private Path transformer;
  private Path out;

  @BeforeEach
  void harness() {
    cli = new CliHarness(folder);
    model = CliHarness.root().resolve("models").resolve("tiny-qwen-image-edit");
    transformer = model.resolve("transformer");
    out = folder.resolve("t.gguf");
  }

  @Test
  void writesAFileAndTellsWhatIsInIt() throws Exception {
    Outcome outcome = cli.run("convert", transformer, out, "--type", "q4_k", "-v");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.outLines()).containsExactly(out.toString());
    assertThat(outcome.err())
        .contains("206/206 ")
        .containsPattern("transformer_blocks.0.attn.to_q.weight bf16 to q4_k")
        .containsPattern("q4_k +72 tensors +5.3 MB")
        .containsPattern("29.1 MB before, 10.9 MB after \\(37.4 %\\), [0-9.]+ s, \\d+ MB/s");
    assertThat(cli.files()).containsExactly("t.gguf");
  }

  @Test
  void jsonHasEveryFigure() throws Exception {
    Outcome outcome = cli.run("convert", transformer, out, "--type", "Q8_0", "--json");

    assertThat(outcome.err()).isEmpty();
    Json json = Json.parse(outcome.out().strip(), "convert");
    assertThat(json.get("files").items()).hasSize(1);
    assertThat(json.get("files").items().getFirst().get("bytes").asLong())
        .isEqualTo(Files.size(out));
    assertThat(json.get("types").get("Q8_0").get("tensors").asLong()).isEqualTo(90);
    assertThat(json.get("bytes_after").asLong()).isLessThan(json.get("bytes_before").asLong());
  }

  @Test
  void rulesComeFromFilesToo() throws Exception {
    Path rules = folder.resolve("rules.txt");
    Files.writeString(rules, "# attention\n\n*.attn.*.weight=q6_k\n*.weight = f16\n");
    Outcome outcome =
        cli.run("convert", transformer, out, "--type", "f32", "--rules", rules, "--rules", "x=f32");

    assertThat(outcome.code()).as(outcome.err()).isEqualTo(ExitCode.DONE);
    assertThat(outcome.err()).contains("q6_k", "f16", "no tensor matches the rule x");
  }

  @Test
  void mistakesTakeTwoLinesAndLeaveNothing() throws Exception {
    Path text = Files.writeString(folder.resolve("a.gguf"), "some text");
    Path old = Files.writeString(folder.resolve("old.gguf"), "mine");
    List<List<Object>> usage =
        List.of(
            List.of(transformer, out),
            List.of(transformer, out, "--type", "q3_k"),
            List.of(transformer, out, "--type", "q8_0", "--rules", "a"),
            List.of(transformer, out, "--type", "q8_0", "--rules", "a=q9"),
            List.of(transformer, out, "--type", "q8_0", "--format", "safetensors"),
            List.of(transformer, out, "--type", "q8_0", "-t", "0"),
            List.of(transformer, old, "--type", "q8_0"),
            List.of(transformer, folder, "--type", "q8_0", "--format", "gguf"),
            List.of(transformer, folder.resolve("none/t.gguf"), "--type", "q8_0"),
            List.of(folder.resolve("none"), out, "--type", "q8_0"),
            List.of(model, folder.resolve("m.safetensors"), "--type", "f16"));
    for (List<Object> args : usage) {
      require(ExitCode.USAGE, args);
    }
    require(ExitCode.MODEL, List.of(text, out, "--type", "q8_0"));
    require(ExitCode.MODEL, List.of(folder, out, "--type", "q8_0"));
    assertThat(cli.files()).containsExactly("a.gguf", "old.gguf");
    assertThat(old).hasContent("mine");
  }

  private void require(int code, List<Object> args) {
    Object[] all = new Object[args.size() + 1];
    all[0] = "convert";
    for (int i = 0; i < args.size(); i++) {
      all[i + 1] = args.get(i);
    }
    Outcome outcome = cli.run(all);
    assertThat(outcome.code()).as("%s: %s", args, outcome.err()).isEqualTo(code);
    assertThat(outcome.errLines()).as("%s", args).hasSizeBetween(1, 2);
    assertThat(outcome.err()).startsWith("inkstone: ");
    assertThat(outcome.out()).isEmpty();
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aFullDiskGivesTwoLinesAndNoPart() throws Exception {
    // No file of this process may grow beyond 2,000 blocks of 512 bytes.
    Process process = start("ulimit -f 2000", "--type", "q8_0");
    String errors;
    try (BufferedReader err = process.errorReader(StandardCharsets.UTF_8)) {
      errors = String.join("\n", err.lines().filter(l -> !l.startsWith("WARNING")).toList());
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(errors).isEqualTo(ExitCode.UNEXPECTED);
    List<String> lines = errors.lines().filter(line -> !line.startsWith("t.gguf: ")).toList();
    assertThat(lines).hasSize(2);
    assertThat(lines.getFirst()).startsWith("inkstone: output: writing failed: ");
    assertThat(lines.getLast()).contains("free some space");
    assertThat(cli.files()).isEmpty();
  }

  @Test
  @DisabledOnOs(OS.WINDOWS)
  void aRequestToTerminateLeavesNothing() throws Exception {
    Process process = start("true", "--type", "q4_k", "-v", "-t", "1");
    StringBuilder errors = new StringBuilder();
    try (BufferedReader err =
        new BufferedReader(
            new InputStreamReader(process.getErrorStream(), StandardCharsets.UTF_8))) {
      String line = err.readLine();
      while (line != null) {
        errors.append(line).append('\n');
        if (line.startsWith("t.gguf: 20/")) {
          process.toHandle().destroy();
        }
        line = err.readLine();
      }
    }
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as(errors.toString()).isEqualTo(ExitCode.CANCELLED);
    assertThat(errors).contains("inkstone: cancelled");
    assertThat(cli.files()).isEmpty();
  }

  /** A process of its own, after a command of the shell. */
  private Process start(String before, String... options) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    String words =
        before
            + "; exec '"
            + java
            + "' --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED -XX:-UsePerfData"
            + " -cp '"
            + System.getProperty("java.class.path")
            + "' "
            + Main.class.getName()
            + " convert '"
            + transformer
            + "' t.gguf "
            + String.join(" ", options);
    return new ProcessBuilder("sh", "-c", words).directory(folder.toFile()).start();
  }
}
